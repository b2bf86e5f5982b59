#!/bin/sh
# Install a bundle on a machine without a network, out of the folder it was unpacked into:
#     sh install.sh [--allow-downgrade-to X.Y.Z] PUBLIC_KEY.pem SITE
# Needs sh, openssl (3, or 1.1.1 with -rawin), sha256sum and the Python that IDENTITY names (PYTHON=... to choose it).
# Into SITE/NAME/versions/X.Y.Z, which SITE/NAME/current then points to; nothing is changed before all checks have passed.
#     SITE/NAME.version   the newest version ever installed: an older one is refused, unless it is allowed by number
#     SITE/NAME.minimum   yours to write: nothing below it is installed, allowed or not
# Stops with: 2 wrong call, 3 bad signature, 4 changed or missing file, 5 unsigned file, 6 not for this machine or site,
# 7 downgrade, 8 the installed model does not answer.
set -eu
stop() { code=$1; shift; echo "refused: $*" >&2; exit "$code"; }
usage() { echo "usage: sh install.sh [--allow-downgrade-to X.Y.Z] PUBLIC_KEY.pem SITE" >&2; exit 2; }
allowed=
if [ "${1:-}" = --allow-downgrade-to ]; then
    [ $# -ge 2 ] || usage
    allowed=$2
    shift 2
fi
[ $# -eq 2 ] && [ -n "$1" ] && [ -n "$2" ] || usage
[ -f "$1" ] || { echo "no public key $1: give the signer's .pem, which travels by another way" >&2; exit 2; }
key=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
case $2 in /*) site=$2 ;; *) site=$PWD/$2 ;; esac
cd "$(dirname "$0")"
python=${PYTHON:-python3}

# what was signed
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in MANIFEST.sha256 -sigfile MANIFEST.sig >/dev/null 2>&1 ||
    stop 3 "the signature does not fit this key and this list of files"
sha256sum --strict --quiet -c MANIFEST.sha256 >&2 || stop 4 "a file was changed or is missing"
signed=$(cut -c67- MANIFEST.sha256 | LC_ALL=C sort)
present=$(find . ! -type d ! -path ./MANIFEST.sha256 ! -path ./MANIFEST.sig | sed 's|^\./||' | LC_ALL=C sort)
[ "$signed" = "$present" ] || stop 5 "there is a file that nobody signed"
[ -z "$(find . -type l)" ] || stop 5 "there is a link"

# for whom: IDENTITY is signed, four lines of a word and a value
of() { sed -n "s/^$1 //p" IDENTITY; }
name=$(of name) version=$(of version)
valid() {
    case $1 in '' | *[!0-9.]* | .* | *. | *..* | 0[0-9]* | *.0[0-9]* | *[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*) return 1 ;; esac
    case $1 in *.*.*.*) return 1 ;; *.*.*) return 0 ;; *) return 1 ;; esac
}
older() { # older A B: A < B
    a=$1. b=$2.
    while [ -n "$a" ]; do
        x=${a%%.*} y=${b%%.*} a=${a#*.} b=${b#*.}
        [ "$x" -lt "$y" ] && return 0
        [ "$x" -gt "$y" ] && return 1
    done
    return 1
}
case $name in '' | *[!a-z0-9-]*) stop 6 "the bundle names no product" ;; esac
valid "$version" || stop 6 "version '$version' is not X.Y.Z"
here=$("$python" -c 'import sys, sysconfig; print("%d.%d %s" % (*sys.version_info[:2], sysconfig.get_platform()))') ||
    stop 6 "$python does not run: PYTHON=/path/to/python$(of python)"
[ "$here" = "$(of python) $(of platform)" ] ||
    stop 6 "made for Python $(of python) on $(of platform), this is $here: PYTHON=/path/to/it, or the bundle for this machine"

# not back: a record that is there and cannot be read refuses
recorded() {
    [ ! -L "$1" ] || stop 6 "$1 is a link"
    [ -e "$1" ] || return 0
    found=$(cat "$1")
    valid "$found" || stop 6 "$1 is damaged: write the version X.Y.Z into it"
    echo "$found"
}
had=$(recorded "$site/$name.version")
least=$(recorded "$site/$name.minimum")
if [ -n "$least" ] && older "$version" "$least"; then stop 7 "$version is below this site's minimum, $least"; fi
if [ -n "$had" ] && older "$version" "$had"; then
    [ "$allowed" = "$version" ] ||
        stop 7 "$version is older than $had, the newest installed here: --allow-downgrade-to $version, if that is meant"
    echo "going back from $had to $version, as allowed" >&2
fi

# beside, tried, and only then in its place
home=$site/$name
new=$home/versions/.$version.$$
mkdir -p "$home/versions"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir "$new"
"$python" -m venv "$new/venv"
set --
for wheel in $(printf '%s\n' "$signed" | grep '^wheels/[A-Za-z0-9._+-]*\.whl$'); do set -- "$@" "$wheel"; done
"$new/venv/bin/python" -m pip install --quiet --no-index --no-deps --disable-pip-version-check "$@"
for part in *; do
    case $part in wheels | install.sh) ;; *) cp -R "$part" "$new/" ;; esac
done
for command in classify serve; do
    printf '#!/bin/sh\nhere=$(cd "$(dirname "$0")" && pwd)\nexec "$here/venv/bin/python" "$here/%s.py" "$@"\n' "$command" >"$new/$command"
    chmod 755 "$new/$command"
done
"$new/classify" "a text to try it with" >/dev/null || stop 8 "the installed model does not answer"
"$python" - "$new" "$home/versions/$version" "$home" <<'EOF'
import os, sys
new, target, home = sys.argv[1:]
if os.path.exists(target):  # a repair: the old copy steps aside
    os.rename(target, new + ".old")
os.rename(new, target)
link = os.path.join(home, ".current.%d" % os.getpid())
os.symlink(os.path.join("versions", os.path.basename(target)), link)
os.replace(link, os.path.join(home, "current"))
EOF
rm -rf "$new.old"
if [ -z "$had" ] || older "$had" "$version"; then # the mark only rises
    printf '%s\n' "$version" >"$site/.$name.version.$$"
    mv "$site/.$name.version.$$" "$site/$name.version"
fi
echo "installed $name $version: $home/current/classify TEXT, or $home/current/serve" >&2
