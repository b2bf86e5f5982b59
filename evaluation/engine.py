"""Presidio's engine with a packaged spaCy model and the kit's own recognisers: nothing is downloaded, nothing is looked up.

Importing this module imports Presidio and spaCy (seconds), so `pii` does it when the first text comes.
"""

from typing import Any

from presidio_analyzer import AnalyzerEngine, LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngineProvider

from evaluation import names, recognisers
from evaluation.recognisers import Found

# Presidio's own that the kit's tables replace. Those for e-mail and URLs take seconds on hostile text, and the first
# asks publicsuffix.org for a list of domains; the others take plain numbers for identifiers.
REPLACED = ("CreditCardRecognizer", "DateRecognizer", "EmailRecognizer", "IbanRecognizer", "IpRecognizer", "PhoneRecognizer", "SpacyRecognizer", "UrlRecognizer", "UsSsnRecognizer")  # fmt: skip


class FixedForms(LocalRecognizer):
    """The table of `recognisers` as a recogniser of Presidio's."""

    def __init__(self) -> None:
        super().__init__(supported_entities=list(recognisers.KINDS), name="FixedForms")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Only the kinds that are asked for."""
        return results(recognisers.matches(text, entities))


class Names(LocalRecognizer):
    """`names` as a recogniser of Presidio's. It reads spaCy's document itself: Presidio's reader drops organisations."""

    def __init__(self) -> None:
        super().__init__(supported_entities=list(names.KINDS), name="Names")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Only the kinds that are asked for."""
        return results([f for f in names.named(text, nlp_artifacts.tokens) if f.kind in entities])


def results(found: list[Found]) -> list[RecognizerResult]:
    """In Presidio's form."""
    return [RecognizerResult(f.kind, f.start, f.end, f.score) for f in found]


def engine(model: str) -> Any:
    """Presidio's engine over a spaCy model that is installed as a package."""
    models = [{"lang_code": "en", "model_name": model}]
    nlp = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    made = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])
    for name in REPLACED:
        made.registry.remove_recognizer(name)
    for recogniser in (FixedForms(), Names()):
        made.registry.add_recognizer(recogniser)
    return made
