"""Names, places and organisations: found with errors, so they are reported and stop nothing.

spaCy's small model finds two names in three. What it misses is mostly a stranger's name at an unusual place, so three
things are added: forms and words that announce a name (`announced`), lines of letters in a block of short lines, and a
last resort, runs of words that spaCy takes for proper nouns.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from evaluation import announced
from evaluation.announced import NO_NAME
from evaluation.recognisers import Found

# What spaCy calls it, and what we do. FAC is a building, NORP a nationality, a religion or a party.
LABELS = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION", "NORP": "NRP"}  # fmt: skip
SHORT = re.compile(r"[A-Z]{1,4}\d{0,2}s?")  # an abbreviation: AUC, MRI, N95
KINDS = (*dict.fromkeys([*LABELS.values(), *announced.KINDS]), "NAME_LIKE")


def named(text: str, doc: Any) -> list[Found]:
    """All of it, from a text and spaCy's reading of it; one stretch may be named twice (`resolved`)."""
    return [*announced.matches(text), *entities(doc), *lines(text), *capitalised(doc)]


def lines(text: str) -> Iterator[Found]:
    """Lines of letters in a block of short lines: a signature or an address, where nothing but names is said."""
    block: list[re.Match[str]] = []
    for line in [*re.finditer(r"[^\n]*", text), None]:
        if line is not None and (0 < len(line[0].strip(" >?,.")) <= 50):
            block.append(line)
        elif line is None or line[0].strip(" >?,."):
            yield from bare_lines(block)
            block = []


def bare_lines(block: list[re.Match[str]]) -> Iterator[Found]:
    """The lines of a block of three and more that hold letters only; a block without a digit is a list or a poem."""
    if len(block) < 3 or not any(c.isdigit() for line in block for c in line[0]):
        return
    for line in block:
        said = re.fullmatch(r"[>?\s,]*([^\W\d_][^\W\d_ .,&'’-]*(?:[ .,&'’-]{1,2}[^\W\d_]+\.?){0,4})[\s,]*", line[0])
        if said and not NO_NAME.search(said[1]):
            yield Found("NAME_LIKE", line.start() + said.start(1), line.start() + said.end(1), 0.4)


def entities(doc: Any) -> Iterator[Found]:
    """spaCy's entities that hold a capital letter or a letter outside ASCII, and are no field's name."""
    for e in doc.ents:
        kind = LABELS.get(e.label_)
        said = e.text.strip(" :.")
        cased = any(c.isupper() or (ord(c) > 127 and c.isalpha()) for c in said)
        if kind and cased and not NO_NAME.fullmatch(said) and (kind == "LOCATION" or not SHORT.fullmatch(said)):
            yield Found(kind, e.start_char, e.end_char, 0.7)


def capitalised(doc: Any) -> Iterator[Found]:
    """Runs of words that are written like a name."""
    run: list[Any] = []
    for token in [*doc, None]:
        if token is not None and nameish(token):
            run.append(token)
        elif run:
            yield Found("NAME_LIKE", run[0].idx, run[-1].idx + len(run[-1].text), 0.4)
            run = []


def nameish(token: Any) -> bool:
    """A capitalised word that spaCy takes for a proper noun, or a word with letters that English does not have."""
    text = token.text
    if len(text) < 2 or NO_NAME.fullmatch(text) or SHORT.fullmatch(text) or not any(c.isalpha() for c in text):
        return False
    foreign = len(text) > 3 and text.isalpha() and not text.isascii()
    return foreign or bool(token.pos_ == "PROPN" and text[0].isupper())


def resolved(found: Iterable[Found]) -> list[Found]:
    """Without what lies inside something else; of two equal stretches the better score stays. In the order of the text."""
    kept, reached = list[Found](), 0
    for f in sorted(found, key=lambda f: (f.start, -f.end, -f.score)):
        if f.end > reached:
            kept.append(f)
            reached = f.end
    return kept
