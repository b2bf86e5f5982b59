"""A pack as one page: `python -m domains card NAME`. What is counted and measured is generated; what it means is written.

The page is the pack's `README.md` (where it has one), the facts from its files, and the decay of its champion out of
`decay.json` and `decay.png`, which `python -m domains decay NAME` makes.
"""

import base64
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common import files
from common.bench import block
from common.contracts import now
from common.errors import BadInput
from domains import decay, plot
from domains.forms import KINDS
from domains.pack import Pack
from domains.passages import body_of

BEGIN, END = "<!-- card -->", "<!-- end -->"


def facts(pack: Pack) -> str:
    """The generated part of a page, Markdown."""
    c = pack.config
    r, parts = c.records, []
    parts.append(
        block(
            [
                {"": "rows", "value": f"{r.rows:,} ({r.unit} each)"},
                {"": "target", "value": f"`{r.target}`: {r.target_about}"},
                {"": "time", "value": f"`{r.time}`; trained {c.champion.train_from} to {c.champion.train_until}, watched from {c.monitor.start}"},
                {"": "source", "value": r.source},
                {"": "shipped", "value": "yes" if r.shipped else "no: built at set-up"},
                {"": "licences", "value": "; ".join(f"{k}: {v}" for k, v in c.licences.items())},
                {"": "sha256", "value": f"`{r.sha256}`"},
            ]
        )
    )  # fmt: skip
    parts.append(
        block(
            [
                {
                    "input": f"`{n}`",
                    "kind": k.kind,
                    "what it is": k.about,
                    "known": k.known,
                    "missing, at most": f"{k.missing:.0%}",
                }
                for n, k in r.columns.items()
            ]
        )
    )
    if not c.control:
        parts += [block(texts(pack)), block(policy(pack))]
    parts += [block(rows) for rows in decay_rows(pack)]
    return "\n\n".join(parts)


def texts(pack: Pack) -> list[dict[str, Any]]:
    """Counts of documents, questions, attacks and people."""
    words = [len(body_of(files.read_text(f)).split()) for f in pack.documents]
    old = {p.id.split("#")[0] for p in pack.passages if p.superseded}
    kinds: Counter[str] = Counter(q.kind for q in pack.questions)
    families = Counter(a.family for a in pack.attacks)
    disguised = sum(a.obfuscation != "none" for a in pack.attacks)
    return [
        {"texts": "documents", "count": len(words), "of these": f"{min(words, default=0)} to {max(words, default=0)} words, {len(pack.passages)} passages, {len(old)} superseded"},
        {"texts": "questions", "count": len(pack.questions), "of these": counted((k, kinds[k]) for k in KINDS)},
        {"texts": "attacks", "count": len(pack.attacks), "of these": f"{counted(families.items())}; {sum(a.channel == 'indirect' for a in pack.attacks)} indirect, {disguised} disguised"},
        {"texts": "people who do not exist", "count": len(pack.people), "of these": counted(Counter(k for p in pack.people for k in p.identifiers).items())},
    ]  # fmt: skip


def policy(pack: Pack) -> list[dict[str, Any]]:
    """Costs, actions, privacy, thresholds, and where each comes from."""
    c = pack.config
    actions = "; ".join(f"{a.name} ({a.risk}{f': {a.approver}' if a.approver else ''})" for a in c.actions)
    return [
        {"policy": "miss : false alarm", "value": f"{c.costs.miss:g} : {c.costs.false_alarm:g}", "why": c.costs.why},
        {"policy": "actions", "value": actions, "why": "an agent may propose low and medium ones"},
        {"policy": "forbidden in an answer", "value": ", ".join(c.privacy.forbidden), "why": c.privacy.why},
        {"policy": "gate margin", "value": f"{c.thresholds.gate_margin:g}", "why": c.thresholds.why},
    ]


def counted(pairs: Iterable[tuple[str, int]]) -> str:
    """`name 3, other 2`, without those that are not there."""
    return ", ".join(f"{name} {n}" for name, n in pairs if n)


def decay_rows(pack: Pack) -> list[list[dict[str, Any]]]:
    """The tables of `decay.json`; none where the analysis has not been run."""
    file = pack.folder / "decay.json"
    if not file.exists():
        return []
    found = files.read_json(file, f"python -m domains decay {pack.spec}")
    promised = [{"a random split adds to the AUC, on the same rows": found["leak"]}]
    return [promised, found["moments"], found["blame"]]


def record(pack: Pack, found: decay.Decay) -> None:
    """Write `decay.json` and `decay.png` into the pack's folder."""
    content = {
        "made_at": now().isoformat(timespec="seconds"),
        "command": f"python -m domains decay {pack.spec}",
        "records": pack.config.records.sha256,
        "leak": str(found.leak),
        "blamed": found.blamed,
        "moments": decay.table(found),
        "blame": decay.blame(found),
    }
    files.write_json(pack.folder / "decay.json", content)
    plot.decay(pack, found, pack.folder / "decay.png")


def readme(pack: Pack) -> str:
    """The pack's README with its generated part brought up to date; a bare one where the pack has none."""
    file = pack.folder / "README.md"
    text = file.read_text() if file.exists() else f"# {pack.name}: {pack.config.title}\n\n{BEGIN}\n{END}\n"
    before, mark, rest = text.partition(BEGIN)
    if not mark:
        return f"{text.rstrip()}\n\n{BEGIN}\n{facts(pack)}\n{END}\n"
    if END not in rest:  # what follows is somebody's text, and would be lost
        raise BadInput(f"{file}: {BEGIN} without {END}", f"write {END} where the generated part ends")
    return f"{before}{BEGIN}\n{facts(pack)}\n{END}{rest.partition(END)[2]}"


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-size:13px}td,th{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}
img{max-width:100%}code{background:#f3f3f3;padding:0 .2em}"""


def page(pack: Pack, target: Path) -> Path:
    """The page as one HTML file, pictures inside it."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(readme(pack).replace(BEGIN, "").replace(END, ""))
    for picture in sorted(pack.folder.glob("*.png")):
        data = base64.b64encode(picture.read_bytes()).decode()
        html = html.replace(f'src="{picture.name}"', f'src="data:image/png;base64,{data}"')
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{pack.name}</title><style>{STYLE}</style>'
    return files.write_text(target, f"{head}<body>{html}</body></html>\n")


def write(pack: Pack) -> Path:
    """Bring the generated part of the pack's README up to date."""
    return files.write_text(pack.folder / "README.md", readme(pack))
