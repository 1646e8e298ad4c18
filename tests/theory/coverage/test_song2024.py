"""Local coverage and Theorem 4.2: verdicts, tightness, and the order of the theorem's forms."""

import jax
import numpy as np
import pytest

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.precision import float64
from simbench.theory.coverage import song2024
from tests.theory.judged import assert_as_expected, claims_of, judged

TIGHT = {
    "local_coverage_largest": 0.999999,
    "tilt_coverage_covers": 0.99,
    "song_lemma_4_1": 0.99,
    "song_lemma_4_1_sharpened": 0.99999,
    "song_theorem_4_2": 0.33,
    "song_theorem_4_2_best": 0.95,
}


@pytest.mark.parametrize("name", claims_of(song2024))
def test_verdict_is_the_expected_one(name):
    verdict = judged(song2024)[name]
    assert_as_expected(verdict)
    if name in TIGHT:
        assert TIGHT[name] <= verdict.tightness <= 1 + 1e-12


def test_every_form_is_below_the_printed_one_and_tilt_coverage_below_local_coverage():
    claims = [
        song2024.SongTheoremFourTwo(),
        song2024.SongTheoremFourTwoCauchySchwarz(),
        song2024.SongTheoremFourTwoShiftFree(),
    ]

    def forms(u):
        x = song2024.ESTIMATES.instance((2, 3), u)
        coverages = (song2024.printed_coverage(x), q.tilt_coverage(x.world, x.world.reward_bound))
        best = song2024.best_form(x, coverages[1])
        return [claim.theory(x) for claim in claims], best, coverages

    u = np.random.default_rng(6).uniform(size=(200, song2024.ESTIMATES.dimension((2, 3))))
    with float64():
        (printed, cauchy, shift_free), best, (local, tilt) = jax.tree.map(
            np.asarray, jax.jit(jax.vmap(forms))(u)
        )
    near = 1 + 1e-12
    assert np.all(cauchy <= printed * near)
    assert np.all(shift_free <= cauchy * near)
    assert np.all(best <= shift_free * near)
    assert np.all(tilt <= local * near)
    assert np.any(tilt < 0.1 * local)


def test_a_true_reward_of_larger_span_breaks_theorem_4_2():
    # The assumption span(r*) <= 2R' is ours: rhat = 0 is within R' = 1e-4, and C at 2R'/beta does not cover pi*.
    p, shown, bound = np.exp(-10.0), 20.0, 1e-4
    world = Bandit(
        rho=np.ones(1),
        log_ref=np.log([[p, 1.0 - p]]),
        reward=np.array([[shown, 0.0]]),
        beta=1.0,
        reward_bound=shown,
    )
    with float64():
        coverage, gap = float(q.local_coverage(world, 2.0 * bound)), float(q.value_gap(world, world.log_ref))
    assert gap > 5.0 * 2.0 * coverage * np.sqrt(p * shown**2)
    assert gap == pytest.approx(np.log1p(p * np.expm1(shown)) - p * shown, rel=1e-12)
