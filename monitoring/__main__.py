"""`python -m monitoring demo|alerts`."""

from common import console

app = console.app("Drift and performance of a model in production, window by window.")


@app.command()
def demo(as_json: console.AsJson = False) -> None:
    """Watch the champion over the history of DOMAIN; raise alerts; draw the timeline."""
    from monitoring import demo as story

    console.emit(story.demo(), as_json)


@app.command()
def alerts(as_json: console.AsJson = False) -> None:
    """The alerts of the last replay."""
    from common.settings import settings
    from monitoring import demo as story

    found = story.alerts(settings().domain)
    for raised in found:
        console.say(f"{raised.id}: {raised.verdict}, calibration gap {raised.current}")
    console.emit({"alerts": [a.model_dump(mode="json") for a in found]}, as_json)


@app.command()
def bench(as_json: console.AsJson = False) -> None:
    """Measure this room and write benchmarks/monitoring.json."""
    from monitoring.bench import measure

    console.emit(measure(), as_json)


if __name__ == "__main__":
    console.main(app)
