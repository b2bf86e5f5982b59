"""Hallucination, PII and attack tests of a release, and a gate that compares two releases case by case."""

import common  # noqa: F401  (the offline switches)
