"""Magnetic mirror descent against a naive loop, its known local rate, and the step that is too long."""

import numpy as np
import pytest

import simbench as sb
from simbench.errors import SimbenchError
from simbench.learners.games.mirror_descent import MirrorDescent
from tests.naive.mirror_descent import exploitability, mirror_descent, payoff_table

STEPS = 200
GAMES = sb.make("cyclic_games")


def curve(world, method, steps=STEPS, **asked):
    trace = sb.simulate(world, method, rounds=steps, runs=5, **asked)
    assert len(np.unique(trace.columns["run"])) == 1  # it draws nothing: all runs are one
    return trace.columns


@pytest.mark.parametrize("payoff", ["log_odds", "preference"])
def test_it_steps_as_the_naive_loop_does(payoff):
    columns = curve(GAMES, MirrorDescent(payoff=payoff, average=True))
    trail, table = mirror_descent(GAMES, STEPS, payoff), payoff_table(GAMES, payoff)
    name = f"exploitability_{payoff}"
    for row, steps in enumerate(columns["round"]):
        assert columns[name][row] == pytest.approx(exploitability(GAMES, trail[steps], table), abs=1e-9)
        mean = trail[:steps].mean(axis=0)
        assert columns[f"average_{name}"][row] == pytest.approx(exploitability(GAMES, mean, table), abs=1e-9)
    assert not columns["labels"].any()
    assert "regret" not in columns


def test_exploitability_falls_at_the_local_rate_on_rock_paper_scissors():
    """The linear map at the uniform equilibrium has eigenvalues (1 +- i a strength/sqrt 3)/(1 + a beta), exactly."""
    world = sb.make("rock_paper_scissors", strength=0.8, beta=0.4)
    off = np.log([[0.4, 0.35, 0.25]])
    # The reference stays uniform; only the first iterate is moved, so the equilibrium is known.
    a, method = 0.4 / 0.8**2, StartingAt(log_policy=tuple(off[0]))
    columns = curve(
        world, method, steps=260, checkpoints_per_decade=40, quantities=["exploitability_log_odds"]
    )
    rate = (1 + a**2 * 0.8**2 / 3) / (1 + a * 0.4) ** 2
    gaps, steps = columns["exploitability_log_odds"], columns["round"]
    late = (gaps < 1e-6) & (gaps > 1e-24)
    assert late.sum() > 10
    slope = np.polyfit(steps[late], np.log(gaps[late]), 1)[0]
    assert slope == pytest.approx(np.log(rate), rel=2e-3)
    assert gaps[-1] < 1e-12


class StartingAt(MirrorDescent):
    """Mirror descent from a given policy of one prompt."""

    log_policy: tuple[float, ...] = ()

    def __init__(self, log_policy):
        super().__init__()
        object.__setattr__(self, "log_policy", log_policy)

    def __hash__(self):
        return hash(self.log_policy)

    def init(self, world, key):
        import jax.numpy as jnp

        return super().init(world, key)._replace(log_policy=jnp.asarray([self.log_policy]))


def test_a_step_fifty_times_as_long_circles():
    world = sb.make("rock_paper_scissors", concentration=1.0, beta=0.1)
    known, long = MirrorDescent(), MirrorDescent(step_size=50 * 0.1)
    assert curve(world, known, steps=3000)["exploitability_log_odds"][-1] < 1e-12
    assert curve(world, long, steps=3000)["exploitability_log_odds"][-1] > 1e-2


def test_a_world_without_reward_refuses_what_needs_one():
    with pytest.raises(SimbenchError, match="value_gap needs a reward"):
        sb.simulate(GAMES, "mirror_descent", rounds=2, quantities=["value_gap"])
    with pytest.raises(SimbenchError, match=r"OnlineDPO, which is charged regret, .* needs a reward"):
        sb.simulate(GAMES, "online_dpo", rounds=2)
    with pytest.raises(SimbenchError, match="coverage needs a reward"):
        sb.measure(GAMES, GAMES.log_ref, ["coverage"])
    assert "value" not in sb.measure(GAMES, GAMES.log_ref)


def test_a_batch_learner_is_charged_exploitability_where_there_is_no_reward():
    columns = sb.simulate(GAMES, "offline_mle", rounds=100, runs=2).columns
    assert "regret" not in columns
    assert "coverage" not in columns
    paid = columns["exploitability_regret_log_odds"] / columns["labels"]
    expected = float(sb.measure(GAMES, GAMES.log_ref, ["exploitability_log_odds"])["exploitability_log_odds"])
    np.testing.assert_allclose(paid, expected, rtol=1e-12)
