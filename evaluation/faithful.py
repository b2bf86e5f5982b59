"""Changes that leave a claim true: shorter, other words for the same, numbers written otherwise, a way of saying it."""

import random
import re
from functools import cache
from pathlib import Path

from evaluation.draft import Draft, Word, put_in

NEGATIONS = frozenset("not n't no never without neither nor none nobody cannot hardly rarely barely".split())
# words that a claim cannot lose without saying something else
BINDING = NEGATIONS | frozenset(
    "only almost nearly about approximately too less more most least up down if unless until".split()
)
OPENINGS = (
    "It is reported that", "According to the text,", "The passage says that", "Yes,", "I think", "The document states that",
    "As stated,", "Well,", "In fact,", "Notably,", "yeah,", "Did you know that", "Wow,", "I read that", "Yes!", "It says here that",
    "So basically,",
)  # fmt: skip


def read_pairs(name: str) -> dict[str, list[str]]:
    """evaluation/words/NAME.txt: word -> what stands behind it on its lines."""
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("words").joinpath(f"{name}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            word, other = line.split(" ", 1)
            found.setdefault(word, []).append(other)
    return found


@cache
def synonyms() -> dict[str, list[str]]:
    """Word -> words for the same."""
    return read_pairs("synonyms")


def shortened(draft: Draft, chance: random.Random) -> Draft:
    """Without some modifiers, brackets and one phrase that hangs on the verb."""
    gone, depth = set(), 0
    for word in draft:
        t = word.token
        depth += t.text in "(["
        bare = not any(True for _ in t.children)
        droppable = (t.dep_ == "amod" and chance.random() < 0.2) or (t.dep_ == "advmod" and chance.random() < 0.35)
        if depth or (bare and droppable and t.lower_ not in BINDING):
            gone.add(t.i)
        depth -= t.text in ")]" and depth > 0
    root = next((w.token for w in draft if w.token.head == w.token), None)
    if root is not None and chance.random() < 0.4:
        hanging = [list(c.subtree) for c in root.children if c.dep_ in ("prep", "advcl", "npadvmod")]
        hanging = [h for h in hanging if len(h) < len(draft) / 2 and not BINDING & {t.lower_ for t in h}]
        if hanging:
            gone |= {t.i for t in chance.choice(hanging)}
    kept = [w for w in draft if w.token.i not in gone]
    while kept and kept[0].text in ",;:-":
        kept.pop(0)
    if not kept:
        return draft
    kept = [w for w, following in zip(kept, [*kept[1:], None], strict=True) if not (w.text == "," and following and following.text in ",.;")]  # fmt: skip
    if len(kept) < 4:
        return draft
    return [kept[0].say(kept[0].text[:1].upper() + kept[0].text[1:], wrong=False), *kept[1:]]


def reworded(draft: Draft, chance: random.Random) -> Draft:
    """Every second word that has a synonym says it; not inside a compound with a hyphen."""
    out = []
    for i, word in enumerate(draft):
        beside = {draft[j].text for j in (i - 1, i + 1) if 0 <= j < len(draft)}
        others = synonyms().get(word.text.lower())
        out.append(
            word.say(chance.choice(others), wrong=False)
            if others and "-" not in beside and chance.random() < 0.5
            else word
        )
    return out


def rewritten_numbers(draft: Draft, chance: random.Random) -> Draft:
    """Percent as a sign, thousands with a comma, and back."""

    def other(word: Word) -> Word:
        text = word.text
        if chance.random() < 0.5:
            return word
        if text == "%":
            text = " percent"
        elif text == "percent":
            text = "%"
        elif re.fullmatch(r"\d{1,3}(,\d{3})+", text):
            text = text.replace(",", "")
        elif re.fullmatch(r"\d{5,}", text):
            text = f"{int(text):,}"
        return Word(text, word.space, word.wrong, word.token)

    return [other(word) for word in draft]


def opened(draft: Draft, chance: random.Random) -> Draft:
    """With a way of saying it in front."""
    return [*put_in(chance.choice(OPENINGS), wrong=False), *draft]


def faithful(draft: Draft, chance: random.Random) -> Draft:
    """Some of the changes, drawn at random."""
    for change, share in ((shortened, 0.65), (reworded, 0.6), (rewritten_numbers, 0.5), (opened, 0.2)):
        if chance.random() < share:
            draft = change(draft, chance)
    return draft
