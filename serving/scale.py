"""Two replicas behind vllm-router; one is killed under load: `make demo-serving-scale`.

What users of the kit's client see is counted: requests that were answered whole, that failed before their first token (lost), and that
broke off in mid-stream (they cannot be retried without saying things twice). Then a second supervisor restart brings the
replica back, and the router has to find it again. The router is vLLM's own and retries what it may; the kit's
client asks again for what broke before its first token.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import console
from common.errors import EngineFailed, NotReady
from common.llm import LLM
from common.settings import settings as shared
from serving import server, supervisor, vllm
from serving.config import ServingSettings

ROUTER_LOG = "router.log"
NOTICED = 5.0  # s: two health checks of the router


@dataclass(frozen=True)
class Seen:
    """One request: when it began and ended (s), how, and which kind it was."""

    began: float
    at: float
    streamed: bool
    how: str  # whole | lost | broken
    asked: int


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free now, all different."""
    import socket

    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def router_binary() -> Path:
    """vllm-router's program in this environment."""
    import sys

    found = Path(sys.executable).parent / "vllm-router"
    if not found.exists():
        raise NotReady("vllm-router is not installed", "make setup")
    return found


@contextmanager
def router(urls: Sequence[str], port: int, metrics: int, log: Path) -> Any:
    """vllm-router in front of `urls`, round robin, on loopback; ended afterwards."""
    command = [
        str(router_binary()), "--worker-urls", *urls, "--policy", "round_robin",
        "--host", "127.0.0.1", "--port", str(port), "--prometheus-host", "127.0.0.1", "--prometheus-port", str(metrics),
        # a replica that died is left out within seconds, and found again within seconds
        "--health-check-interval-secs", "2", "--health-failure-threshold", "1", "--health-success-threshold", "1",
        "--cb-failure-threshold", "3", "--cb-timeout-duration-secs", "3", "--cb-success-threshold", "1",
        "--retry-max-retries", "5", "--retry-initial-backoff-ms", "50",
    ]  # fmt: skip
    with log.open("wb") as stream:
        child = subprocess.Popen(command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while supervisor.fetch(port, "/v1/models") is None:
            if child.poll() is not None or time.monotonic() > deadline:
                raise EngineFailed(f"vllm-router did not start: {log.read_text()[-400:]}", f"read {log}")
            time.sleep(0.2)
        yield child
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()


def ask(llm: LLM, number: int, streamed: bool, tokens: int) -> tuple[str, int]:
    """One request through the kit's client: (how it ended, how often it was asked)."""
    begun: list[str] = []
    prompt = f"Explain topic {number} of risk management."
    try:
        if not streamed:  # the router and OpenAI's client may retry these as they like
            llm.complete(prompt, max_tokens=tokens)
            return "whole", 1
        answer = llm.chat([{"role": "user", "content": prompt}], max_tokens=tokens, span="scale", on_text=begun.append)
        return "whole", answer.asked
    except EngineFailed:
        return "broken" if begun else "lost", 1


def load(llm: LLM, streams: int, seconds: float, tokens: int) -> list[Seen]:
    """Keep `streams` requests in flight for `seconds`, every second one streamed."""
    end, began = time.monotonic() + seconds, time.monotonic()
    seen: list[Seen] = []
    lock, counter = threading.Lock(), iter(range(10**9))

    def worker() -> None:
        while time.monotonic() < end:
            with lock:
                number = next(counter)
            started = time.monotonic() - began
            how, asked = ask(llm, number, number % 2 == 0, tokens)
            with lock:
                seen.append(Seen(started, time.monotonic() - began, number % 2 == 0, how, asked))

    with ThreadPoolExecutor(streams) as pool:
        for done in [pool.submit(worker) for _ in range(streams)]:
            done.result()
    return seen


def retries(metrics: int) -> int:
    """Requests that the router asked another replica for, by its own metrics."""
    text = supervisor.fetch(metrics, "/metrics") or ""
    return int(sum(float(x.rsplit(" ", 1)[1]) for x in text.splitlines() if x.startswith("vllm_router_retries_total")))


def served(port: int) -> int:
    """How many processes' worth of requests a replica has answered, out of its supervisor's restarts and its metrics."""
    text = supervisor.fetch(port, "/metrics") or ""
    names = ("vllm:request_success_total", "llamacpp:n_decode_total", "llamacpp:tokens_predicted_total")
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(names)))


def run(s: ServingSettings, streams: int = 8, seconds: float = 20, tokens: int = 24) -> dict[str, Any]:
    """Start two replicas and the router, load them, kill one's engine a third of the way, count."""
    first, second, front, metrics = free_ports(4)
    threads = max(1, vllm.cores() // 2)
    replicas = [s.model_copy(update={"port": port, "threads": s.threads or threads}) for port in (first, second)]
    folder = shared().folder("serving/router")
    try:
        for replica in replicas:
            state, _ = server.up(replica, owner=os.getpid())
        with router([server.url_of(r) for r in replicas], front, metrics, folder / ROUTER_LOG):
            console.say(f"router at http://127.0.0.1:{front}/v1, replicas at {first} and {second}")
            llm = LLM(f"http://127.0.0.1:{front}/v1")
            victim = server.status(replicas[0])
            killer = threading.Timer(seconds / 3, os.kill, (victim["engine_pid"], signal.SIGKILL))
            killer.start()
            with console.console().status(
                f"{streams} requests at a time; one replica is killed after {seconds / 3:.0f} s"
            ):
                seen = load(llm, streams, seconds, tokens)
            killer.join()
            retried = retries(metrics)
            back = wait_back(replicas[0])
            before = served(first)
            after = load(llm, 4, 4, 8) if back else []
            shares = served(first) > before
    finally:
        for replica in replicas:
            server.down(replica)
    return report(seen, after, state["engine"], server_restarts(back), shares, retried, seconds / 3)


def wait_back(replica: ServingSettings, limit: float = 120) -> dict[str, Any]:
    """The state of a replica that its supervisor started again; empty where it did not come back in time."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        state = server.status(replica)
        if state["up"] and state.get("restarts"):
            time.sleep(6)  # two health checks and the circuit breaker of the router
            return state
        time.sleep(0.5)
    return {}


def server_restarts(state: dict[str, Any]) -> int:
    """How often the supervisor started the killed replica again."""
    return int(state.get("restarts", 0))


def report(
    seen: Sequence[Seen], after: Sequence[Seen], engine: str, restarts: int, shares: bool, retried: int, killed: float
) -> dict[str, Any]:
    """Counts, and the line for people."""
    from common import stats

    counts = Counter((x.streamed, x.how) for x in seen)
    lost = sum(x.how == "lost" for x in seen)
    # only what was in flight when the replica fell, or began before the router can have noticed, could be lost
    risk = sum(x.at >= killed and x.began <= killed + NOTICED for x in seen)
    result = {
        "engine": engine,
        "requests": len(seen),
        "of these at risk": risk,
        "whole": sum(x.how == "whole" for x in seen),
        "lost before the first token": lost,
        "asked again by our client": sum(x.asked > 1 for x in seen),
        "retried by the router": retried,
        "broken in mid-stream": counts[(True, "broken")],
        "lost rate": str(stats.proportion(lost, max(risk, lost, 1))),
        "restarts": restarts,
        "replica serves again": shares,
        "failed after the return": sum(x.how != "whole" for x in after),
    }
    console.table(
        "One of two replicas was killed under load", ["what", "seen"], [(k, str(v)) for k, v in result.items()]
    )
    return result
