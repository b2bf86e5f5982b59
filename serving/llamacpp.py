"""The llama.cpp engine as a process: `python -m serving.llamacpp MODEL.gguf --port P`. Binds 127.0.0.1 only."""

import argparse
import signal
import threading


def main() -> None:
    """Load the model, serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--context", type=int, default=2048, help="tokens a slot")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = arguments.model
    settings.model_alias = {arguments.name}
    settings.hostnames, settings.port = ["127.0.0.1"], arguments.port
    settings.n_parallel, settings.n_ctx = arguments.slots, arguments.slots * arguments.context  # llama.cpp divides it
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = arguments.threads
    settings.endpoint_metrics = True
    server = xllamacpp.Server(settings)  # starts its threads here
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    del server


if __name__ == "__main__":
    main()
