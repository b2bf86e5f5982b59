"""What a random split promises too much on *all* flights with a flexible model: `python -m domains.climate.leak`, a minute.

The pack keeps every fourth flight and a model that is slow to learn, and leaks little. The usual set-up, all flights, the weather
of the hour of departure, and a boosting model with deep trees, leaks a lot: both models below are asked about the same rows.
"""

import numpy as np

from common import console, stats
from common.contracts import Estimate
from domains import sources
from domains.climate.build import LATE, WEATHER, hour

INPUTS = [*WEATHER, "hour", "distance"]


def measure(resamples: int = 400) -> tuple[float, float, Estimate]:
    """(AUC with whole days held out, AUC with a random quarter held out, their paired difference with a bootstrap by days),
    on the winter's rows that both have held out."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    flights, weather = sources.table("flights"), sources.table("weather")
    flights = flights[flights["dep_time"].notna() & (flights["month"] <= 3)].assign(time=hour)
    seen = weather.assign(time=hour).drop_duplicates(["origin", "time"])[["origin", "time", *WEATHER]]
    rows = flights.merge(seen, on=["origin", "time"]).sort_values("time", kind="stable", ignore_index=True)
    day, y = rows["time"].dt.dayofyear.to_numpy(), (rows["dep_delay"] >= LATE).to_numpy(float)
    by_day, at_random = day % 4 == 1, np.random.default_rng(0).random(len(rows)) < 0.25
    both = by_day & at_random
    honest, flattered = (
        HistGradientBoostingClassifier(max_iter=200, random_state=0)
        .fit(rows.loc[~held, INPUTS], y[~held])
        .predict_proba(rows.loc[both, INPUTS])[:, 1]
        for held in (by_day, at_random)
    )
    difference = stats.bootstrap(
        lambda t, a, b: stats.auc(t, a) - stats.auc(t, b), y[both], flattered, honest, clusters=day[both], resamples=resamples
    )  # fmt: skip
    return stats.auc(y[both], honest), stats.auc(y[both], flattered), difference


if __name__ == "__main__":
    honest, flattered, difference = measure()
    console.say(f"whole days held out {honest:.3f}, a random quarter {flattered:.3f}, difference {difference}")
