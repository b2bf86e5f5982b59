"""An on-call agent that investigates, proposes, and must ask a person before it acts."""

import common  # noqa: F401  (the offline switches)
