"""Changes that make a claim unsupported, each with the words that are wrong: what a judge of support learns from.

Numbers, names, places of names, negation, opposites, other words, quantifiers, and phrases that were said elsewhere. Every
function takes a draft and gives another, or None where the sentence has nothing that it could change.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from evaluation.draft import Draft, Word, entities, put_in
from evaluation.faithful import NEGATIONS, read_pairs, synonyms

NAMES = ("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART")
QUANTITIES = ("DATE", "CARDINAL", "MONEY", "PERCENT", "QUANTITY")
CALENDAR = (
    "January February March April May June July August September October November December".split(),
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
)
COUNTS = "two three four five six seven eight nine ten twelve fifteen twenty thirty forty fifty".split()
AUXILIARIES = frozenset("is are was were will would can could should must may might has have had does did do".split())


@dataclass
class Surroundings:
    """What may be put in: names and words of the whole corpus by kind, those nearby, and sentences from elsewhere."""

    names: dict[str, list[str]]
    words: dict[str, list[str]]
    near_names: list[tuple[str, str]] = field(default_factory=list)
    near_words: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: Any = None


def surroundings(sentences: Sequence[Any]) -> Surroundings:
    """The corpus's names and content words, as often as they occur."""
    names, words = defaultdict(list), defaultdict(list)
    for sentence in sentences:
        for e in sentence.ents:
            if e.label_ in NAMES + QUANTITIES and len(e.text) > 2:
                names[e.label_].append(e.text)
        for t in sentence:
            if t.pos_ in ("NOUN", "VERB", "ADJ", "ADV") and t.is_alpha and len(t) > 2 and not t.ent_type_:
                words[t.tag_].append(t.text)
    return Surroundings(dict(names), dict(words))


@cache
def opposites() -> dict[str, list[str]]:
    """Word -> its opposites, both ways."""
    found: dict[str, list[str]] = defaultdict(list)
    for word, others in read_pairs("opposites").items():
        for other in others:
            found[word].append(other)
            found[other].append(word)
    return dict(found)


def number(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """Another number, month or weekday."""
    places = [i for i, w in enumerate(draft) if w.token is not None and is_number(w.text)]
    if not places:
        return None
    i = chance.choice(places)
    new = other_number(draft[i].text, chance)
    return [*draft[:i], draft[i].say(new), *draft[i + 1 :]] if new and new != draft[i].text else None


def is_number(text: str) -> bool:
    """Whether `other_number` has another."""
    named = any(text in names or text.lower() in names for names in (*CALENDAR, COUNTS))
    return named or any(c.isdigit() for c in text)


def other_number(text: str, chance: random.Random) -> str | None:
    """Near or far: a digit, a decade, a factor."""
    for names in (*CALENDAR, COUNTS):
        if text in names or text.lower() in names:
            return chance.choice([n for n in names if n.lower() != text.lower()])
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    if not digits:
        return None
    if re.fullmatch(r"(19|20)\d\d", text):
        return str(int(text) + chance.choice([-30, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10, 20]))
    if re.fullmatch(r"\d+(\.\d+)?", text) and chance.random() < 0.4:
        decimals = len(text.partition(".")[2])
        return f"{float(text) * chance.choice([0.1, 0.5, 1.5, 2, 3, 10]):.{decimals}f}"
    letters = list(text)
    for i in chance.sample(digits, min(len(digits), chance.choice([1, 1, 2]))):
        letters[i] = chance.choice([d for d in "123456789" if d != text[i]])
    return "".join(letters)


def unlike(one: str, other: str) -> bool:
    """Neither is part of the other."""
    return one.lower() not in other.lower() and other.lower() not in one.lower()


def name(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """Another name of its kind: of this passage, which is harder to see, or of any."""
    found = entities(draft, NAMES)
    if not found:
        return None
    start, end, kind = chance.choice(found)
    old = " ".join(w.text for w in draft[start:end])
    near = [n for n, k in around.near_names if k == kind and unlike(n, old)]
    pool = near if near and chance.random() < 0.5 else around.names.get(kind, [])
    new = next((n for n in chance.sample(pool, min(10, len(pool))) if unlike(n, old)), None)
    return [*draft[:start], *put_in(new, last=draft[end - 1].space), *draft[end:]] if new else None


def swapped(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """Two names of one kind in each other's place."""
    found = entities(draft, NAMES)
    pairs = [(a, b) for a in found for b in found if a[0] < b[0] and a[2] == b[2]]
    if not pairs:
        return None
    a, b = chance.choice(pairs)
    one, two = ([replace(w, wrong=True) for w in draft[s:e]] for s, e, _ in (a, b))
    if [w.text for w in one] == [w.text for w in two]:
        return None
    one[-1], two[-1] = replace(one[-1], space=two[-1].space), replace(two[-1], space=one[-1].space)
    return [*draft[: a[0]], *two, *draft[a[1] : b[0]], *one, *draft[b[1] :]]


def negated(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """With a "not" that was not there, or without one that was."""
    for i, w in enumerate(draft):
        if w.token is not None and w.text.lower() in ("not", "never"):
            after = next((k for k in range(i + 1, len(draft)) if draft[k].text.isalpha()), None)
            if after is None:
                return None
            return [*draft[:i], *(replace(x, wrong=x.wrong or k == after) for k, x in enumerate(draft) if k > i)]
    if any(w.text.lower() in NEGATIONS for w in draft):
        return None
    helpers = [i for i, w in enumerate(draft) if w.token is not None and w.text.lower() in AUXILIARIES]
    if helpers:
        i = chance.choice(helpers)
        said = put_in(chance.choice(["not", "not", "never", "no longer"]))
        return [*draft[:i], replace(draft[i], space=" "), *said, *draft[i + 1 :]]
    for i, w in enumerate(draft):
        if w.token is not None and w.token.dep_ == "ROOT" and w.token.tag_ in ("VBD", "VBZ"):
            helper = put_in("did not" if w.token.tag_ == "VBD" else "does not")
            return [*draft[:i], *helper, Word(w.token.lemma_, w.space, True, w.token), *draft[i + 1 :]]
    return None


def opposite(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """A word's opposite."""
    places = [i for i, w in enumerate(draft) if w.token is not None and w.text.lower() in opposites()]
    if not places:
        return None
    i = chance.choice(places)
    return [*draft[:i], draft[i].say(chance.choice(opposites()[draft[i].text.lower()])), *draft[i + 1 :]]


def other_word(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """Another noun, verb or adjective in the same form: of this passage, or of any."""
    places = [
        i for i, w in enumerate(draft)
        if w.token is not None and w.token.pos_ in ("NOUN", "VERB", "ADJ") and w.token.is_alpha and not w.token.ent_type_
        and len(w.text) > 3 and not w.wrong
    ]  # fmt: skip
    if not places:
        return None
    i = chance.choice(places)
    old, tag = draft[i].text.lower(), draft[i].token.tag_
    near = [n for n, t in around.near_words if t == tag and n.lower() != old]
    pool = near if near and chance.random() < 0.35 else around.words.get(tag, [])
    new = chance.choice(pool) if pool else old
    if new.lower()[:4] == old[:4] or new.lower() in synonyms().get(old, []):
        return None
    return [*draft[:i], draft[i].say(new), *draft[i + 1 :]]


def added(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """A phrase of another sentence behind it."""
    if around.elsewhere is None:
        return None
    kinds = ("prep", "advcl", "relcl", "acl", "conj", "appos")
    phrases = [(t.dep_, list(t.subtree)) for t in around.elsewhere if t.dep_ in kinds]
    phrases = [(kind, p) for kind, p in phrases if 3 <= len(p) <= 12]
    if not phrases:
        return None
    kind, phrase = chance.choice(phrases)
    while phrase and phrase[-1].text in ".,;:":
        phrase.pop()
    more = [Word(t.text, t.whitespace_, True) for t in phrase if not t.is_space]
    body, tail = list(draft), Draft()
    while body and body[-1].text in ".!?":
        tail.insert(0, body.pop())
    if not more or not body:
        return None
    comma = kind in ("relcl", "advcl", "appos")
    body[-1] = replace(body[-1], space="" if comma else " ")
    lead = [Word(",")] if comma else [Word("and", wrong=True)] if kind == "conj" else []
    return [*body, *lead, *more[:-1], replace(more[-1], space=""), *tail]


def quantified(draft: Draft, around: Surroundings, chance: random.Random) -> Draft | None:
    """All, no, most or few of a bare plural."""
    places = [
        i for i, w in enumerate(draft)
        if w.token is not None and w.token.tag_ == "NNS" and w.token.dep_ in ("nsubj", "dobj", "nsubjpass")
        and not any(c.dep_ in ("det", "nummod", "amod", "poss") for c in w.token.children)
    ]  # fmt: skip
    if not places:
        return None
    i = chance.choice(places)
    said = chance.choice(["all", "no", "only", "most", "few"])
    noun = replace(draft[i], text=draft[i].text.lower()) if i == 0 else draft[i]
    return [*draft[:i], Word(said.capitalize() if i == 0 else said, wrong=True), noun, *draft[i + 1 :]]


Change = Callable[[Draft, Surroundings, random.Random], Draft | None]
# change -> how often it is tried
CHANGES: dict[Change, float] = {
    number: 2.0, name: 2.0, swapped: 0.7, negated: 1.2, opposite: 1.6, other_word: 2.2, added: 1.3, quantified: 0.5,
}  # fmt: skip


def corrupted(draft: Draft, around: Surroundings, chance: random.Random) -> tuple[str, Draft] | None:
    """(name of the change, the draft), by the first of six draws that applies; one in five is changed twice."""
    for change in chance.choices(list(CHANGES), list(CHANGES.values()), k=6):
        made = change(draft, around, chance)
        if made:
            if chance.random() < 0.2:
                made = chance.choice([other_word, number, opposite])(made, around, chance) or made
            return change.__name__, made
    return None
