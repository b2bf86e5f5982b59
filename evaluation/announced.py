"""Forms of what is reported: days, ages, titles and the names behind them, streets, telephones and cards of any country.

Looser than the table of `recognisers`: a Danish telephone number has no check digit, and a street is two words and a number.
"""

import re

from evaluation.recognisers import Found, Rule, digits, words

UP = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĚĘĞĢĪĮİĶĹĽŁŃŇŌŐŒŔŘŚŠŞŢŤŪŮŰŲŹŻŽΑ-ΩА-Я"
WORD = rf"[{UP}][\w'’.-]{{0,30}}"
RUN = rf"{WORD}(?: (?:(?:de|van|von|der|den|la|le|di|da|del|el|al|bin|dos|du) ){{0,2}}{WORD}){{0,3}}"
STREET = r"(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|way|court|courts|place|terrace|crescent|close|square|parkway|highway|hwy|grove|crossroad|crossing|path|pass|bridge|gateway|gardens|hill|mews|quay|row|strasse|straße|gasse|weg|platz|rue|via|vicolo|viale|piazza|strada|calle|rua|avenida|ulica)"  # fmt: skip
MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
DATES = rf"\b(?:\d{{4}}-\d\d?-\d\d?(?:[ T]\d\d:\d\d(?::\d\d)?)?|\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:19|20)\d\d|\d{{1,2}}/\d{{1,2}}/\d\d|{DAY}|{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{1,2}} {MONTH}(?: \d{{4}})?|{MONTH} \d{{4}})\b"  # fmt: skip

NATIONS = words(
    "afghan|albanian|algerian|american|andorran|angolan|argentin(?:e|ian|ean)|armenian|australian|austrian|"
    "azerbaijani|azeri|bahamian|bahraini|bangladeshi|barbadian|basque|belarus(?:s)?ian|belgian|"
    "belizi?an(?:ean)?|beninese|bermudian|bhutanese|bolivian|bosnian|botswanan|brazilian|british|bruneian|"
    "bulgarian|burmese|burundian|cambodian|cameroonian|canadian|catalan|chadian|chechen|chilean|chinese|"
    "colombian|congolese|costa rican|croatian|cuban|cypriot|czech|danish|dominican|dutch|ecuador(?:e?an|ian)|"
    "egyptian|emirati|english|eritrean|estonian|ethiopian|faroese|fijian|filipino|finnish|flemish|french|"
    "gabonese|gambian|georgian|german|ghanaian|greek|greenlandic|greenlander|grenadian|guatemalan|guinean|"
    "guyanese|haitian|hispanic|honduran|hungarian|icelander|icelandic|indian|indonesian|iranian|iraqi|irish|"
    "israeli|italian|ivorian|jamaican|japanese|jordanian|kazakh|kenyan|korean|kosovan|kurdish|kuwaiti|"
    "kyrgyz|lao(?:tian)?|latvian|lebanese|liberian|libyan|lithuanian|luxembourgish|macedonian|malagasy|"
    "malawian|malaysian|maldivian|malian|maltese|mauritanian|mauritian|mexican|moldovan|mongolian|montenegrin|"
    "moroccan|mozambican|namibian|nepal(?:ese|i)|nicaraguan|nigerian|nigerien|norwegian|omani|pakistani|"
    "palestinian|panamanian|paraguayan|peruvian|polish|portuguese|puerto rican|qatari|romanian|russian|"
    "rwandan|salvador(?:an|ean)|samoan|saudi|scottish|senegalese|serbian|seychellois|sierra leonean|"
    "singaporean|slovak(?:ian)?|slovene|slovenian|somali(?:an)?|south african|spanish|sri lankan|sudanese|"
    "surinamese|swazi|swedish|swiss|syrian|taiwanese|tajik|tanzanian|thai|tibetan|togolese|tongan|"
    "trinidadian|tunisian|turkish|turkmen|ugandan|ukrainian|uruguayan|uzbek|venezuelan|vietnamese|welsh|"
    "yemeni|zambian|zimbabwean"
)
# Words that stand before a number and are no street, and names of fields, which are nobody's.
NO_STREET = words(
    rf"{MONTH}|table|figure|fig|section|step|phase|chapter|rule|version|stage|type|grade|level|group|day|week|year|line|"
    "page|item|note|part|title|top|in|on|at|the|of|for|from|by|since|until|and|or|than|is|are|was|were|to|about|over|under|"
    "severity|tier|class|category|above|below|within|between|an?|one|as|this|each|every"
)
NO_NAME = words(
    r"SSN|IBAN|MRN|NPI|ICD|PIN|ATM|URL|VIN|ID|CC|e-?mail|phone|website|address|name|date|info|personal|account|card|number|"
    r"user|bot|when|where|who|what|answer|question|dear|hi|hello|thanks|regards|yes|no|mrs?|ms|dr|prof|miss|[IVX]{2,5}|"
    rf"{MONTH}|{DAY}"
)
RINGING = words(r"phone|telephone|tel|cell|mobile|call\w*|fax|dial|ring|reach|text|sms|whatsapp|contact|number")


def street(text: str) -> bool:
    """Not a month, a table or a figure with its number, nor a word before a year, nor a unit (3 T, 45 CFR)."""
    name = re.sub(r"^\d+ ", "", text)
    return (
        not NO_STREET.match(name) and not re.search(r"\b(?:19|20)\d\d$", text) and bool(re.search(r"[^\W\d_]{4}", name))
    )


def phone_like(text: str) -> bool:
    """Six to fourteen digits, and no day or span of years."""
    return 6 <= len(digits(text)) <= 14 and not re.match(r"(?:19|20)\d\d[ -](?:19|20)?\d\d", text)


HOUSE = r"\d{1,4}[a-z]?\b(?![.,]\d| ?%|-|:| [a-z]{1,3}\b)"
RULES = (
    Rule("DATE_TIME", re.compile(DATES, re.I)),
    Rule("DATE_TIME", re.compile(r"(?<![\w.,$€£-])(?:19[0-9]\d|20[0-3]\d)(?![\w%-]|[.,]\d)"), score=0.5),
    Rule("AGE", re.compile(r"\b(?:aged?|(?<!in )turn(?:ed|ing|s)?(?: of)?|age of|age is|I am|I'm|he is|she is)[ :]{1,2}(\d{1,3})(?= |\.|,|\?|!|$)(?! ?(?:%|percent|minutes|hours|days|weeks|months|km|miles))", re.I), score=0.5),
    Rule("AGE", re.compile(r"\b(?:he|she|I|who|they|you|(?:my|his|her|our|their|your) [a-z]+)(?: is|'s|’s| was| am|'m|’m| are| will be|'ll be| becomes?| turn(?:s|ed)?)(?: about| around| only| just| now| almost| nearly)? (\d{1,3})(?=[.,!?;]|$| and | but | now| today| years?\b| when )"), score=0.5),
    Rule("AGE", re.compile(r"\b(\d{1,3})(?:st|nd|rd|th) birthday\b", re.I)),
    Rule("AGE", re.compile(r"\bage: ?(\d{1,3})\b", re.I)),
    Rule("AGE", re.compile(r"\b(\d{1,3})[ -](?:years?|yrs?|y)[ -](?:old|of age)\b", re.I)),
    Rule("NRP", NATIONS, score=0.8),
    Rule("TITLE", re.compile(r"\b(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Rev|Hon)\b\.?(?= [^\W\d_]{2})|\b(?:mrs?|ms|dr)\.(?= [^\W\d_]{2})"), score=0.8),
    Rule("PERSON", re.compile(rf"\b(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Sir|Rev|Hon)\b\.? ({RUN})"), score=0.8),
    Rule("PERSON", re.compile(r"\b(?:mrs?|ms|dr)\. ([^\W\d_][\w'’-]{1,30})"), score=0.8),
    Rule("PERSON", re.compile(r"\b(?:my (?:last |first |full |maiden )?name(?: is|'s)|(?:her|his|maiden|last|first) name is|(?:he|she|I) (?:was|is|am) (?:called|named)|(?<=\n)name:|named (?:him|her))[ :]{1,8}([^\W\d_][\w'’-]*(?: [^\W\d_][\w'’.-]*){0,2})", re.I), score=0.6),
    Rule("PERSON", re.compile(rf"(?:^|[\n?!.] |\n)({WORD})(?=, (?:can|could|would|will|please|I|do|did|are|is|have|you)\b)"), lambda t: not t.lower().endswith("ly"), score=0.5),
    Rule("PERSON", re.compile(r"(?:^|\n)([^\W\d_][\w'’-]{2,20})(?=: ?[\"“])"), score=0.5),
    Rule("URL", re.compile(r"\b(?:https?://|www\.)[^\s<>\"')]{3,300}", re.I)),
    Rule("STREET_ADDRESS", re.compile(rf"\b\d{{1,5}}[a-z]? (?:{WORD} ){{1,4}}(?i:{STREET})\b"), score=0.8),
    Rule("STREET_ADDRESS", re.compile(rf"(?<!\w)(?:{WORD} ){{1,4}}(?=[{UP}])(?i:{STREET})\b"), street, score=0.6),
    Rule("STREET_ADDRESS", re.compile(rf"(?<!\w){WORD}(?: {WORD}){{0,3}},? {HOUSE}"), street, score=0.5),
    Rule("STREET_ADDRESS", re.compile(rf"(?<![\w.,$€£#-])\d{{1,5}} {WORD}(?: {WORD}){{0,3}}"), street, score=0.5),
    Rule("STREET_ADDRESS", re.compile(r"(?:^|[\n>?] ?|\bat |\bon |\bin |: )(\d{1,5} (?:\d{1,4} )?[^\W\d_]{4,30}(?: [^\W\d_]{2,30}){0,2} \d{1,4})(?=[,\n]|$)"), score=0.5),
    Rule("STREET_ADDRESS", re.compile(r"\b(?:apt|apartment|suite|flat|unit|ste|floor)\b\.? ?#?\d{1,5}\b", re.I)),
    Rule("STREET_ADDRESS", re.compile(r"\b(?:P\.?O\.? ?box|PSC|Unit|Box) \d{1,6}\b|\b[AFD]PO [A-Z]{2}\b", re.I)),
    Rule("STREET_ADDRESS", re.compile(r"\bthe corner of [^\n.?!{]{3,80}", re.I)),
    Rule("ZIP_CODE", re.compile(r"\b(?:zip|postal|post) ?code\b\D{0,12}(\d[\d -]{1,9}\d)\b", re.I)),
    Rule("ZIP_CODE", re.compile(r"(?<=[^\W\d_)] )(?!(?:19|20)\d\d\b)\d{4,5}(?:-\d{3,4})?(?=[\s.?!]*(?:\n|$))|(?<=[^\W\d_] )\d{3} \d{2}(?=\s*(?:\n|$))"), score=0.5),
    Rule("ZIP_CODE", re.compile(rf"(?<!\w){WORD} (?:\d{{4,5}}(?:-\d{{3,4}})?|\d{{3}} \d{{2}})\b(?![.,]?\d| ?%|[.,]\d)"), street, score=0.5),
    Rule("CARD_LIKE", re.compile(r"(?<![\w.,-])\d{11,19}(?![\w-]|[.,]\d)"), score=0.5),
    Rule("PHONE_LIKE", re.compile(r"(?<![\w.,/+(-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,5}(?:[ .-]\d{2,8}){1,4}(?![\w-]|[.,/]\d)"), lambda t: phone_like(t) and len(digits(t)) > 6, score=0.5),
    Rule("PHONE_LIKE", re.compile(r"(?<![\w.,/+(-])[+(]?\d(?:[ ()./-]{0,2}\d){5,13}(?![\w-]|[.,/]\d)"), phone_like, near=RINGING, score=0.5),
    Rule("US_DRIVER_LICENSE", re.compile(r"\blicen[cs]e(?: number| no\.?)?(?: is)?[ :#]{1,3}([A-Z]?\d[\d-]{4,15})", re.I)),
)  # fmt: skip
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))


def matches(text: str) -> list[Found]:
    """What the table of this file finds, unsorted."""
    return [found for rule in RULES for found in rule.matches(text)]
