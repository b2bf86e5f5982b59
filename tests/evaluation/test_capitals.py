"""Names that the sources of a text do not have."""

import pytest

from evaluation.capitals import strange

HELD = "Halden Bank of America, led by Mary O'Neill, opened in Tromsø. Its auditors are from Canada."


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("The bank opened in Bergen.", ["Bergen"]),
        ("The bank opened in Tromsø.", []),
        ("It was led by Mary Smith.", ["Smith"]),
        ("It was O'Neill's idea, an American one.", []),
        ("He asked the Canadian auditors.", []),
        ("Bergen has a branch.", []),  # the first word of a sentence has a capital anyway
        ("It opened. Cattle graze there.", []),
        ("She says I'm late and I do not mind.", []),
        ("They met Ann Li in Oslo.", ["Ann", "Li", "Oslo"]),
        ("", []),
    ],
)
def test_a_name_that_the_source_lacks_is_found_where_it_stands(text, unknown) -> None:
    assert [text[a:b] for a, b in strange(text, HELD)] == unknown
