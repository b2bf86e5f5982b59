"""Domain packs: data, documents, questions, attacks and policy of one field of work. This is what a team forks first."""

import common  # noqa: F401  (the offline switches)
