"""Train, distil, export, quantize, and ship to a machine without a network."""

import common  # noqa: F401  (the offline switches)
