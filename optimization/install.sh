#!/bin/sh
# Install a bundle on a machine without a network, out of the folder it was unpacked into:
#     sh install.sh [--allow-downgrade-to X.Y.Z] PUBLIC_KEY.pem SITE
# Needs sh, openssl (3, or 1.1.1 with -rawin), sha256sum and the Python that IDENTITY names (PYTHON=... to choose it).
# Into SITE/NAME/versions/X.Y.Z, which SITE/NAME/current then points to; nothing is changed before all checks have passed.
#     SITE/NAME.version   the newest version ever installed: an older one is refused, unless it is allowed by number
#     SITE/NAME.minimum   yours to write: nothing below it is installed, allowed or not
# Stops with: 2 wrong call, 3 bad signature, 4 changed or missing file, 5 unsigned file, 6 not for this machine or site,
# 7 downgrade, 8 it cannot be installed or does not answer.
set -eu
unset CDPATH
stop() { code=$1; shift; echo "refused: $*" >&2; exit "$code"; }
usage() { echo "usage: sh install.sh [--allow-downgrade-to X.Y.Z] PUBLIC_KEY.pem SITE" >&2; exit 2; }
allowed=
if [ "${1:-}" = --allow-downgrade-to ]; then
    [ $# -ge 2 ] || usage
    allowed=$2
    shift 2
fi
[ $# -eq 2 ] && [ -n "$1" ] && [ -n "$2" ] || usage
for tool in openssl sha256sum; do
    command -v "$tool" >/dev/null || { echo "no $tool on PATH: install it, nothing can be checked without" >&2; exit 2; }
done
[ -f "$1" ] || { echo "no public key $1: give the signer's .pem, which travels by another way" >&2; exit 2; }
key=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
case $2 in /*) site=$2 ;; *) site=$PWD/$2 ;; esac
cd "$(dirname "$0")"
case $site/ in "$PWD"/*) echo "SITE lies inside the bundle: give another folder, such as /opt/models" >&2; exit 2 ;; esac
python=${PYTHON:-python3}

# what was signed
said=$(openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in MANIFEST.sha256 -sigfile MANIFEST.sig 2>&1) ||
    stop 3 "the signature does not fit this key and this list of files ($(echo "$said" | head -n 1))"
sha256sum -c MANIFEST.sha256 >/dev/null || stop 4 "a file was changed or is missing"
signed=$(cut -c67- MANIFEST.sha256 | LC_ALL=C sort)
present=$(find . ! -type d ! -path ./MANIFEST.sha256 ! -path ./MANIFEST.sig | sed 's|^\./||' | LC_ALL=C sort)
if [ "$signed" != "$present" ]; then
    extra=$(printf '%s\n' "$present" | grep -vxF "$signed" | head -n 1)
    stop 5 "there is a file that nobody signed: $extra"
fi
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

# one at a time, and not back: a record that is there and cannot be read refuses
home=$site/$name
new=$home/versions/.$version.$$
lock=$site/.$name.lock
clean() { rm -rf "$new" "$new.old" && rmdir "$home/versions" "$home" "$lock" "$site" 2>/dev/null || true; }
mkdir -p "$site"
mkdir "$lock" 2>/dev/null || stop 6 "another installation runs: wait for it, or remove $lock"
trap clean EXIT
trap 'exit 130' HUP INT TERM
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
mkdir -p "$home/versions"
mkdir "$new"
"$python" -m venv "$new/venv" || stop 8 "$python has no venv (Debian: the package python3-venv)"
set --
for wheel in $(printf '%s\n' "$signed" | grep '^wheels/[A-Za-z0-9._+-]*\.whl$'); do set -- "$@" "$wheel"; done
"$new/venv/bin/python" -I -m pip --isolated install --quiet --no-index --no-deps --disable-pip-version-check "$@" ||
    stop 8 "the wheels do not fit this machine (they need glibc 2.28 or newer)"
printf '%s\n' "$signed" | grep -v '^wheels/\|^install\.sh$' | while read -r part; do
    mkdir -p "$new/$(dirname "$part")"
    cp "$part" "$new/$part"
done
cp MANIFEST.sha256 MANIFEST.sig "$new/"
for command in classify serve; do
    printf '#!/bin/sh\nexec "%s/current/venv/bin/python" -I "%s/current/%s.py" "$@"\n' "$home" "$home" "$command" >"$new/$command"
    chmod 755 "$new/$command"
done
"$new/venv/bin/python" -I "$new/classify.py" "a text to try it with" >/dev/null || stop 8 "the installed model does not answer"
if [ -z "$had" ] || older "$had" "$version"; then # the mark only rises, and it rises first: a crash leaves a site stricter
    printf '%s\n' "$version" >"$lock.version"
    mv "$lock.version" "$site/$name.version"
fi
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
echo "installed $name $version: $home/current/classify TEXT, or $home/current/serve" >&2
