"""Parameters outside the limits of float64 are refused by name; just inside, numba and JAX agree to 1e-9."""

import numpy as np
import pytest

import simbench as sb
from simbench.engine import run_block
from simbench.registry import configure

WORLD = sb.make("random_tabular", prompts=2, responses=4, beta=0.3)
LINEAR = sb.make("random_linear", prompts=2, responses=4, dimension=3, beta=0.3)


@pytest.mark.parametrize(
    "learner", ["online_dpo", "xpo", "vpo", "online_ipo", "offline_mle", "rpo", "tpo", "empirical_tpo"]
)
@pytest.mark.parametrize("ridge", [1e-300, 1e-100, 9e-13, 1e13, 0.0, -1.0])
def test_a_ridge_that_no_fit_holds(learner, ridge):
    with pytest.raises(sb.SimbenchError, match=f"learner '{learner}', ridge is {ridge!r}: .*(than|equal) "):
        configure("learner", learner, {"ridge": ridge}, "study")


@pytest.mark.parametrize(
    ("learner", "model", "words"),
    [
        ("online_dpo", "box", r"Box with Logistic\(\) and NoBonus\(\)"),
        ("online_ipo", "tabular", r"Tabular with Squared\(\)"),
        ("vpo", "tabular", r"Tabular with Logistic\(\) and Calibrated"),
        ("xpo", "linear", r"Linear with Logistic\(\) and ReferenceDraws"),
        ("offline_mle", "box", "Box with"),
        ("rpo", "tabular", "Tabular with"),
    ],
)
def test_a_ridge_that_this_fit_does_not_hold(learner, model, words):
    chosen = configure("learner", learner, {"model": model, "ridge": 9e-7}, "study")
    world = LINEAR if model == "linear" else WORLD
    with pytest.raises(sb.SimbenchError, match=rf"ridge is 9e-07; for {words}.* it must be at least 1e-06"):
        run_block(world, chosen, rounds=5, runs=[0], block=1)


INSIDE = [("tabular", "online_dpo", 1e-12), ("tabular", "online_ipo", 1e-6)]
MORE = [
    ("box", "online_ipo", 1e-6),
    ("linear", "online_dpo", 1e-6),
    ("linear", "online_ipo", 1e-6),
    ("box", "vpo", 1e-6),
]


@pytest.mark.parametrize(
    ("model", "learner", "ridge"),
    [*INSIDE, *(pytest.param(*case, marks=pytest.mark.thorough) for case in MORE)],
)
def test_at_the_limit_the_dialects_agree(model, learner, ridge):
    chosen = configure("learner", learner, {"model": model, "ridge": ridge}, "study")
    numba, jax = (
        run_block(
            LINEAR if model == "linear" else WORLD,
            chosen,
            rounds=60,
            runs=[0, 1],
            block=2,
            engine=engine,
            quantities=("value_gap",),
        )
        for engine in ("numba", "jax")
    )
    assert not numba["unsolved_fits"].any()
    np.testing.assert_allclose(jax["regret"], numba["regret"], rtol=0, atol=1e-9)


def test_a_beta_that_no_policy_holds():
    with pytest.raises(
        sb.SimbenchError, match=r"beta is 1e-308, too small for reward_bound 1: .* at most 1e"
    ):
        sb.make("random_tabular", beta=1e-308)
