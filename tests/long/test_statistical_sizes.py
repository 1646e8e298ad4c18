"""How often true claims about rates are refuted when runs are few and their tails heavy.

Each law of increments is the worst of its kind that studies show: skewed within a run, between runs, or both, and
growth by rare jumps. The exponent is truly at the limit, the case in which a false alarm is likeliest.

The assertion allows twice the nominal 5 %; of a test whose size is that, it fails by chance with probability 1e-6.
SIMBENCH_LONG=full makes 20000 tests of each law; the sizes are printed.
"""

import os

import numpy as np
import pytest
from scipy import stats

from simbench.verify.statistical import bootstrap
from simbench.verify.statistical.exponents import Growth, Slope
from simbench.verify.statistical.runs import RunMatrix

pytestmark = pytest.mark.long

TESTS = 20_000 if os.environ.get("SIMBENCH_LONG", "small") == "full" else 100
X = np.geomspace(300, 10_000, 13)
POINTS = X.size

LAWS = {
    "gamma": lambda rng, n: rng.gamma(0.3, 1 / 0.3, (n, POINTS)),
    "lognormal runs": lambda rng, n: rng.gamma(1.0, 1.0, (n, POINTS)) * rng.lognormal(0.0, 1.0, (n, 1)),
    "lognormal": lambda rng, n: rng.lognormal(0.0, 1.5, (n, POINTS)) * rng.lognormal(0.0, 0.5, (n, 1)),
    "rare jumps": lambda rng, n: (rng.random((n, POINTS)) < 0.05) * rng.exponential(1.0, (n, POINTS)) + 1e-3,
}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 999)
    bootstrap._counts.cache_clear()
    yield
    bootstrap._counts.cache_clear()


def growing(steps):
    """Cumulative curves that grow like log x on average."""
    return np.cumsum(steps * np.log(X[1] / X[0]), axis=1), Growth(), 0.0


def falling(steps):
    """Curves that fall like 1/x on average."""
    return steps / X, Slope(), -1.0


@pytest.mark.parametrize("runs", [50, 100])
@pytest.mark.parametrize("curves", [growing, falling])
@pytest.mark.parametrize("law", LAWS)
def test_sizes(law, curves, runs):
    rng = np.random.default_rng(np.random.PCG64([runs, len(law), len(curves.__name__)]))
    p = []
    for _ in range(TESTS):
        values, reader, exponent = curves(LAWS[law](rng, runs))
        spread = bootstrap.spread_of(
            reader, RunMatrix(rounds=X, values=values, instance=np.zeros(runs, dtype=int))
        )
        p.append((spread.above(exponent), spread.below(exponent)))
    sizes = {alpha: (np.array(p) <= alpha).mean(axis=0) for alpha in (0.05, 0.01)}
    print(
        f"{law}, {curves.__name__}, {runs} runs:",
        *(f"{a:.0%}: {s[0]:.4f} {s[1]:.4f}" for a, s in sizes.items()),
    )
    assert (sizes[0.05] * TESTS <= stats.binom.ppf(1 - 1e-6, TESTS, 0.1)).all()
