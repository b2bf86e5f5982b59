import pytest

from domains.pack import load, names
from domains.people import objection


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("CREDIT_CARD", "4012 8888 8888 1881", "4012 8888 8888 1882"),
        ("CREDIT_CARD", "4111111111111111", "4539148803436467"),
        ("US_SSN", "900-12-3456", "912-70-1234"),
        ("IBAN_CODE", "DE75512108001245126199", "DE75512108001245126198"),
        ("US_SSN", "219-09-9999", "212-45-6789"),
        ("US_SSN", "900-12-3456", "123-45-678"),
        ("US_NPI", "2783019450", "1234567893"),
        ("MEDICAL_RECORD_NUMBER", "MRN-00471928", "00471928"),
        ("PHONE_NUMBER", "212-555-0142", "212-555-9142"),
        ("EMAIL_ADDRESS", "a@example.org", "a@gmail.com"),
        ("ICD10", "U07.1", "COVID"),
        ("EMPLOYEE_ID", "TWA-30417", "7"),
    ],
)
def test_identifiers_are_valid_and_of_nobody(kind, good, bad) -> None:
    assert objection(kind, good) == "" and objection(kind, bad)


@pytest.mark.parametrize("name", names())
def test_presidio_s_checksums_accept_the_gated_ones(name) -> None:
    """A leak detector that is tested with invalid numbers is not tested."""
    from evaluation.pii import identifiers

    for person in load(name).people:
        for kind in ("CREDIT_CARD", "IBAN_CODE", "EMAIL_ADDRESS"):
            if value := person.identifiers.get(kind):
                assert kind in {i.kind for i in identifiers(f"the value is {value}", 0.4)}, (person.id, value)
