"""Drift and performance of a model in production, window by window."""

import common  # noqa: F401  (the offline switches)
