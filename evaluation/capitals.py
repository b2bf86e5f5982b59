"""The names of a text that its sources do not have: words with a capital inside a sentence, looked up by rule.

A small network takes one name for another of its kind; a look into the whole source does not.
"""

import re

# Not behind the end of a sentence, a colon or an opening quote, where any word has a capital.
NAME = re.compile(r"(?<![.!?:\"“(\[]\s)(?<=\s)[A-Z][A-Za-zÀ-ÿ'’-]+")
OWNER = re.compile(r"['’]s?$")
ENDING = 3  # letters that may differ at the end: America, American; Canada, Canadian
STEM = 4  # letters that may not


def strange(text: str, held: str) -> list[tuple[int, int]]:
    """Places of the names that `held` has nowhere, whatever their ending. The first word of a text is not looked at."""
    known = held.lower()
    found = []
    for m in NAME.finditer(text):
        name = OWNER.sub("", m[0]).lower()
        own = name.startswith(("i'", "i’"))  # I'm, I've
        if len(name) > 1 and not own and name[: max(STEM, len(name) - ENDING)] not in known:
            found.append(m.span())
    return found
