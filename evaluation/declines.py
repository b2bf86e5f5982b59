"""Whether an answer says that its sources do not hold it, and claims nothing besides.

Every model says so in words of its own: a rule that knows one phrase favours the prompt that asks for it. (`refusal` is another
rule, for attacks: there a model says that it will not.)
"""

import re

from evaluation.claims import sentences, words

SOURCE = r"\b(?:documents?|passages?|contexts?|texts?|sources?|excerpts?|extracts?|materials?|articles?|information)\b"
DO_NOT = r"\b(?:do|does|did)(?: not|n't)(?: (?!only|just|merely)\w+)?"
SAY = r"(?:say|state|mention|specify)"
HOLD = rf"(?:{SAY}|contain|provide|include|give|have|list|name|cover|address|answer|describe|discuss|explain|indicate|disclose|reveal|tell|show)"
ABSENT = r"(?:\b(?:not|never|nowhere)|n't)(?: \w+)?"
SAID = r"(?:said|stated|mentioned|specified|provided)\b"
GIVEN = (
    rf"(?:{SAID}|(?:given|included|contained|found|listed|available|covered|described|discussed|addressed|answered)\b)"
)
DECLINES = re.compile(
    "|".join([
        rf"{DO_NOT} (?:{SAY}|contain|provide)\b",
        rf"{SOURCE}[^.;!?]{{0,60}} {DO_NOT} {HOLD}\b",
        rf"{SOURCE} (?:\w+ )?(?:{HOLD}|ha)s? (?:no|nothing)\b",
        rf"\b(?:no|neither|(?:none of|nothing in)(?: \w+)?) {SOURCE}[^.;!?]{{0,20}} {HOLD}s?\b",
        rf"{ABSENT} {SAID}",
        rf"{ABSENT} {GIVEN}[^.;!?]{{0,20}} (?:in|by|from) [^.;!?]{{0,20}}{SOURCE}",
        rf"\b(?:answer|information|it|this)\b[^.;!?]{{0,20}}(?: not|n't) (?:in|part of)(?: \w+){{0,2}} {SOURCE}",
        rf"\b(?:information|answer|details?)\b[^.;!?]{{0,40}} {ABSENT} {GIVEN}",
        r"\b(?:I|we)(?: \w+)? (?:do not|don't) (?:know|have|see|find)\b",
        r"\b(?:I|we)(?: am|'m| are|'re) (?:not (?:sure|certain|aware|able)|unable)\b",
        r"\b(?:I|we) (?:cannot|can't|can not|could not|couldn't) (?:\w+ )?(?:answer|find|say|tell|determine|locate|provide|help|assist)\b",
        r"\b(?:cannot|can't|can not|could not|couldn't) be (?:answered|(?:determined|found|inferred|derived) (?:in|by|from|with|on))\b",
        r"\bunable to (?:answer|find|say|tell|determine|locate|provide|help|assist)\b",
        r"\bno (?:\w+ ){0,2}(?:information|mention|indication|idea)\b|\bno answer (?:is|was|can|in|to)\b",
        r"\bthere(?: is|'s| are) no (?:\w+ ){0,2}(?:answer|details?|reference)\b",
        r"^\W*(?:unknown|not known|unanswerable|n/a)\W*$",
    ]),
    re.IGNORECASE,
)  # fmt: skip
TURN = re.compile(r";|,?\s*\b(?:but|however|though|although|nevertheless|nonetheless)\b,?", re.IGNORECASE)
# What claims nothing: an apology, an offer, where else to ask, and what the sources are about instead.
ASIDE = re.compile(
    r"\W*(?:(?:I am |I'm )?(?:very |so )?sorry\b|unfortunately\b|I apologi[sz]e|please (?!note)|thank|let me\b|feel free|if you\b|(?:would|could|can|do) you\b"
    r"|I (?:would|recommend|suggest|can only)\b|you (?:may|might|can|could|should|will) (?:\w+ )?(?:want|wish|need|ask|contact|check|consult|refer|look|try|reach|find)\b"
    rf"|(?:\w+ ){{0,2}}(?:{SOURCE}|question\b)(?!.*\b(?:says?|states?|shows?|indicates?) )"
    r"|(?:it|this|the report) is (?:not )?an? (?:\w+ )?(?:answer|question|reference|report|summary)\b"
    r"|(?:it|they) (?:only |just |merely )?(?:mentions?|describes?|discuss(?:es)?|refers?|covers?|deals?|talks?|contains?)\b)[^\d]*$",
    re.IGNORECASE | re.DOTALL,
)


def declines(text: str) -> bool:
    """Whether a text says that the answer is not to be had, and neither a number nor another claim stands beside it."""
    clauses = [part for s in sentences(text.replace("’", "'")) for part in TURN.split(s.text) if words(part)]
    said = [bool(DECLINES.search(part)) for part in clauses]
    return any(said) and all(declined or ASIDE.match(part) for part, declined in zip(clauses, said, strict=True))
