"""An LLM behind the OpenAI API, on GPU or CPU, with retrieval over a pack's documents."""

import common  # noqa: F401  (the offline switches)
