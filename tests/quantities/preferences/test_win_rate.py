import jax
import numpy as np
import pytest
from scipy.special import expit

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities.instances import normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")

WIN_RATE = jax.jit(q.win_rate)


def random_preferences(rng, prompts=3, responses=4):
    upper = np.triu(rng.uniform(size=(prompts, responses, responses)), 1)
    return upper + np.tril(1 - upper.swapaxes(1, 2), -1) + np.eye(responses) / 2


def loop(bandit, first, second):
    total = 0.0
    for s in range(bandit.prompts):
        for a in range(bandit.responses):
            for b in range(bandit.responses):
                if bandit.prefs is None:
                    wins = expit(bandit.reward[s, a] - bandit.reward[s, b])
                else:
                    wins = bandit.prefs[s, a, b]
                total += bandit.rho[s] * np.exp(first[s, a] + second[s, b]) * wins
    return total


@pytest.mark.parametrize("general", [False, True])
def test_win_rate_vs_loop(general):
    rng = np.random.default_rng(0)
    bandit = random_bandit(rng, missing=True, zero_weight=True)
    if general:
        bandit = bandit.replace(prefs=random_preferences(rng))
    first, second = random_policy(rng, bandit), random_policy(rng, bandit)
    assert float(WIN_RATE(bandit, first, second)) == pytest.approx(loop(bandit, first, second), rel=1e-13)
    against_ref = float(WIN_RATE(bandit, first))
    assert against_ref == pytest.approx(loop(bandit, first, bandit.log_ref), rel=1e-13)


@pytest.mark.parametrize("general", [False, True])
def test_the_two_sides_sum_to_one_and_a_tie_is_a_half(general):
    rng = np.random.default_rng(1)
    bandit = random_bandit(rng)
    if general:
        bandit = bandit.replace(prefs=random_preferences(rng))
    first, second = random_policy(rng, bandit), random_policy(rng, bandit)
    both = float(WIN_RATE(bandit, first, second)) + float(WIN_RATE(bandit, second, first))
    assert both == pytest.approx(1.0, abs=1e-14)
    assert float(WIN_RATE(bandit, first, first)) == pytest.approx(0.5, abs=1e-14)
    table = np.asarray(q.preference(bandit))
    np.testing.assert_allclose(table + table.swapaxes(1, 2), 1.0, atol=1e-15)
    np.testing.assert_array_equal(np.diagonal(table, axis1=1, axis2=2), 0.5)


def test_better_policies_win():
    # Bradley-Terry: P(pi* > ref) >= 1/2, growing as beta falls.
    bandit = random_bandit(np.random.default_rng(2))
    rates = [
        float(WIN_RATE(bandit, normalised(bandit.log_ref + bandit.reward / beta)))
        for beta in (5.0, 1.0, 0.2, 0.01)
    ]
    assert np.all(np.diff([0.5, *rates]) > 0)


def test_large_tables_in_blocks_agree_with_the_whole_table():
    # 5 x 1000 x 1000 cells: above the limit, with a last block that is not full.
    rng = np.random.default_rng(3)
    prompts, responses = 5, 1000
    logits = rng.normal(size=(3, prompts, responses))
    bandit = Bandit(
        rho=rng.dirichlet(np.ones(prompts)),
        log_ref=normalised(logits[0]),
        reward=rng.uniform(size=(prompts, responses)),
        beta=0.5,
    )
    first, second = normalised(logits[1]), normalised(logits[2])
    table = expit(bandit.reward[:, :, None] - bandit.reward[:, None, :])
    wins = np.einsum("sab,sb->sa", table, np.exp(second))
    rate, slope = jax.jit(jax.value_and_grad(q.win_rate, 1))(bandit, first, second)
    weighted = bandit.rho[:, None] * np.exp(first) * wins
    assert float(rate) == pytest.approx(weighted.sum(), rel=1e-13)
    np.testing.assert_allclose(slope, weighted, rtol=1e-12)
