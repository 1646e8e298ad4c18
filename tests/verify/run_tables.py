"""Tables of runs of known truth: what a study would store, made of arrays."""

import numpy as np
import pandas as pd

ROUNDS = np.unique(np.round(np.geomspace(1, 10_000, 33)).astype(int))


def table(values, rounds=None, *, instances=1, learner="mine", **columns):
    """Lay `values [N, K]` out as runs of `instances` worlds at `rounds [K]`."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    count, points = values.shape
    rounds = np.arange(1, points + 1) if rounds is None else np.asarray(rounds)
    return pd.DataFrame(
        {
            "setting": "base",
            "instance": np.repeat(np.arange(count) % instances, points),
            "run": np.repeat(np.arange(count) // instances, points),
            "learner": learner,
            "round": np.tile(rounds, count),
            "labels": np.tile(rounds, count),
            "regret": values.ravel(),
        }
        | columns
    )


def flags(broken, total):
    """Runs of one checkpoint, the first `broken` of which have regret 2, the others 0.5."""
    return table(np.where(np.arange(total) < broken, 2.0, 0.5)[:, None])
