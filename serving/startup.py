"""What an engine's start is waiting for, out of its log: one line for the person at the terminal."""

import re

# The last of these that the log holds is where the start is; the words are for people.
PHASES = [
    (r"non-default args|vLLM API server version", "vLLM: reading the settings"),
    (r"Resolved architecture", "vLLM: model recognised; starting its engine process (imports)"),
    (r"Initializing a V1 LLM engine", "vLLM: engine process is up; starting its worker (imports)"),
    (r"Starting to load model|Loading safetensors", "vLLM: loading the weights"),
    (r"Loading weights took|Model loading took", "vLLM: weights are loaded; preparing kernels"),
    (r"Dynamo bytecode|torch\.compile takes|Compiling a graph", "vLLM: compiling (minutes, the first time)"),
    (r"KV cache size", "vLLM: key-value cache is allocated; warming up"),
    (r"init engine .* took", "vLLM: engine is ready; opening the door"),
    (r"llama_model_loader|load_model", "llama.cpp: loading the weights"),
    (r"warming up the model", "llama.cpp: warming up"),
]


def phase(log: str) -> str:
    """Where a start is, from the engine's log so far."""
    return next((words for pattern, words in reversed(PHASES) if re.search(pattern, log)), "starting the process")
