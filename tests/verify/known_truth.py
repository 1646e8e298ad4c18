"""Lemmas whose truth is known, to be judged as a stranger's: thin violations, equal sides, tiny and huge scales, masks.

A false one must not be called consistent, a true one must not be called violated. `why` says how it is known.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Deterministic, Identity, Instance, Lower, Upper, claim, family
from simbench.verify.domains import Free, Gibbs, Instances, Reward, Worlds

SMALL = Worlds(shapes=((1, 2), (2, 3)), ratio=(0.1, 10.0))
THREE = Worlds(shapes=((1, 3),), ratio=(0.1, 10.0))
GIBBS = Instances(SMALL, log_policy=Gibbs())
FREE = Instances(THREE, log_policy=Free())
ESTIMATES = Instances(SMALL, estimate=Reward())
FLAT = Instances(
    Worlds(shapes=((1, 2), (2, 3)), ratio=(1e-4, 1e-3), reward_bound=(1e-3, 1e-2)), estimate=Reward()
)


@family(a=(0.0, 1.0), b=(0.0, 1.0))
def square(a, b):
    return Instance(world=None, a=a, b=b)


@family(a=(-300.0, 300.0), b=(0.0, 1.0))
def scales(a, b):
    return Instance(world=None, a=jnp.exp(a), b=b)


@dataclasses.dataclass(frozen=True)
class Lemma:
    """One statement: its kind, domain, sides, whether it is true and how that is known."""

    kind: type[Deterministic]
    domain: Any
    measured: Callable[[Any], Any]
    theory: Callable[[Any], Any]
    true: bool
    why: str
    margin: Callable[[Any], Any] | None = None
    control: float = 0.0  # the altered constant; 0 means one that is clearly false

    def register(self, name: str) -> None:
        constant = self.control or (3.0 if self.kind is Lower else 1.01 if self.kind is Identity else 1 / 3)
        body = {
            "__doc__": self.why,
            "domain": self.domain,
            "measured": lambda _, x: self.measured(x),
            "theory": lambda _, x: self.theory(x),
            "controls": (Control("another constant", constant=constant),),
        }
        if self.margin is not None:
            body["assumes_margin"] = lambda _, x: self.margin(x)
        claim(name, source="tests")(type(name, (self.kind,), body))


def best(x):
    return q.log_optimal(x.world)


def win(x, log_policy):
    return q.win_rate(x.world, best(x), log_policy)


def by_values(x):
    return q.value(x.world, best(x)) - q.value(x.world, x.log_policy)


def by_kl(x):
    return x.world.beta * q.kl(x.world.rho, x.log_policy, best(x))


def reward_difference(x, log_policy):
    return q.expected_reward(x.world, best(x)) - q.expected_reward(x.world, log_policy)


def half_variance(x):
    error = x.estimate - x.world.reward
    return 0.5 * q.expected_variance(x.world.rho, best(x), error) / x.world.beta


def estimated_gap(x):
    return q.value_gap(x.world, q.gibbs(x.world, x.estimate))


def closer(x):
    return q.kl_ref(x.world, best(x)) - q.kl_ref(x.world, x.log_policy)


FALSE = {
    "wins_within_the_kl_ball": Lemma(
        Lower, FREE, lambda x: win(x, x.log_policy), lambda x: jnp.asarray(0.5), False,
        "ref = (.6, .3, .1), r = (0, 1, 2), beta = .4, pi = (.0461, .1641, .7898): P - 1/2 = -4.167e-4.", closer, 1.1),
    "gap_is_half_a_variance": Lemma(
        Identity, FLAT, estimated_gap, half_variance, False, "The next order, up to .12 % of the gap."),
    "gap_is_kl_but_for_1e-12": Lemma(
        Identity, GIBBS, by_values, lambda x: by_kl(x) * (1 - 1e-12), False, "The factor."),
    "gap_is_kl_but_for_1e-25": Lemma(
        Identity, GIBBS, by_values, lambda x: by_kl(x) * 1.0 + by_kl(x) * 1e-25, False, "The term."),
    "wins_pay_with_the_chord": Lemma(
        Lower, GIBBS, lambda x: win(x, x.log_policy) - 0.5,
        lambda x: reward_difference(x, x.log_policy) * (jax.nn.sigmoid(x.world.reward_bound) - 0.5)
        / x.world.reward_bound, False, "Violated by more than .001 at .6 % of random points."),
    "wins_pay_a_fifth": Lemma(
        Upper, Instances(SMALL), lambda x: win(x, x.world.log_ref) - 0.5,
        lambda x: reward_difference(x, x.world.log_ref) / 5, False, "sigmoid'(0) = 1/4.", None, 0.1),
    "kl_bounds_the_reverse": Lemma(
        Upper, GIBBS, lambda x: q.kl(x.world.rho, best(x), x.log_policy),
        lambda x: q.kl(x.world.rho, x.log_policy, best(x)), False, "KL is not symmetric."),
    "coverage_below_its_bound_less_a_millionth": Lemma(
        Upper, GIBBS, lambda x: q.coverage(x.world, x.log_policy),
        lambda x: jnp.exp(x.world.reward_bound / x.world.beta) * 0 + 1 + 1e-6, False, "Coverage is not bounded."),
    "square_below_itself_less_1e-13": Lemma(
        Upper, square, lambda x: x.a**2 + 1.0, lambda x: x.a**2 + 1.0 - 1e-13, False, "By 1e-13 everywhere."),
    "thin_corner": Lemma(
        Upper, square, lambda x: x.a + x.b, lambda x: jnp.asarray(2 - 1e-9), False, "At a = b = 1."),
    "thin_peak": Lemma(
        Upper, square, lambda x: 1 - 1e3 * ((x.a - 0.3) ** 2 + (x.b - 0.7) ** 2),
        lambda x: jnp.asarray(1 - 1e-8), False, "Within .003 of (.3, .7)."),
    "behind_a_mask": Lemma(
        Upper, square, lambda x: jnp.where(x.a > 0.95, x.b + 0.1, x.b), lambda x: jnp.maximum(x.b, 0.5), False,
        "Where a > .95."),
    "on_a_circle": Lemma(
        Upper, square, lambda x: x.a * x.b, lambda x: jnp.asarray(0.5 - 1e-7), False,
        "a = b = 2^(-1/2).", lambda x: 1 - x.a**2 - x.b**2),
    "at_the_edge_of_a_sliver": Lemma(
        Upper, square, lambda x: x.a + 0.0 * x.b, lambda x: jnp.asarray(0.005 - 1e-6), False, "a = .005, b = 0.",
        lambda x: 0.005 - x.a - x.b),
    "tiny_sides": Lemma(
        Upper, scales, lambda x: 1e-200 * (1 + x.b), lambda x: jnp.asarray(1.5e-200), False, "b > 1/2."),
    "huge_sides": Lemma(
        Upper, scales, lambda x: x.a * (1 + 1e-6 * x.b), lambda x: x.a, False, "Wherever b > 0."),
    "identity_of_tiny_sides": Lemma(
        Identity, square, lambda x: 1e-40 * (1 + x.a), lambda x: 1e-40 * (1 + x.a + 1e-3 * x.b), False,
        "b > 0."),
    "negative_sides": Lemma(
        Upper, square, lambda x: -x.a - 1.0, lambda x: -1.001 * x.a - 1.0, False, "Wherever a > 0.", None, 1.2),
    "sign_of_a_small_difference": Lemma(
        Lower, GIBBS, by_values, lambda x: by_kl(x) * (1 + 1e-7), False, "The gap is beta KL."),
    "square_root_at_zero": Lemma(
        Upper, square, lambda x: jnp.sqrt(x.a), lambda x: 100 * x.a + 0.0024, False, "a = 1/4e4: .005 against .0049."),
    "variance_bounds_the_gap": Lemma(
        Upper, ESTIMATES, estimated_gap, half_variance, False, "Only to second order."),
}  # fmt: skip

TRUE = {
    "gap_is_at_most_kl": Lemma(Upper, GIBBS, by_values, by_kl, True, "They are equal."),
    "gap_is_at_least_kl": Lemma(Lower, GIBBS, by_values, by_kl, True, "They are equal."),
    "gap_is_kl": Lemma(Identity, GIBBS, by_values, by_kl, True, "I1."),
    "wins_pay_a_quarter": Lemma(
        Upper, Instances(SMALL), lambda x: win(x, x.world.log_ref) - 0.5,
        lambda x: reward_difference(x, x.world.log_ref) / 4, True, "sigmoid' <= 1/4.", None, 0.2),
    "kl_is_not_negative": Lemma(
        Lower, GIBBS, lambda x: q.kl(x.world.rho, x.log_policy, best(x)) + 1, lambda x: jnp.asarray(1.0), True,
        "Gibbs.", None, 1.1),
    "coverage_is_at_least_one": Lemma(
        Lower, GIBBS, lambda x: q.coverage(x.world, x.log_policy), lambda x: jnp.asarray(1.0), True,
        "Jensen.", None, 1.1),
    "coverage_is_at_least_exp_kl": Lemma(
        Lower, GIBBS, lambda x: q.log_coverage(x.world, x.log_policy) + 1,
        lambda x: q.kl(x.world.rho, best(x), x.log_policy) + 1, True, "Jensen."),
    "pinsker": Lemma(
        Upper, GIBBS, lambda x: 2 * q.total_variation(x.world.rho, best(x), x.log_policy) ** 2,
        lambda x: q.kl(x.world.rho, best(x), x.log_policy), True, "Pinsker, convexity over prompts."),
    "optimum_is_optimal_within_a_ball": Lemma(
        Lower, FREE, lambda x: q.expected_reward(x.world, best(x)) + 1,
        lambda x: q.expected_reward(x.world, x.log_policy) + 1, True,
        "J(pi*) >= J(pi), and KL(pi) <= KL(pi*).", closer),
    "square_of_a_sum": Lemma(
        Identity, square, lambda x: (x.a + x.b) ** 2, lambda x: x.a**2 + 2 * x.a * x.b + x.b**2, True, "Algebra."),
    "means": Lemma(Upper, square, lambda x: x.a * x.b, lambda x: ((x.a + x.b) / 2) ** 2, True, "(a - b)^2 >= 0."),
    "cancelling_identity": Lemma(
        Identity, square, lambda x: (1e8 + x.a) - 1e8 + x.b, lambda x: x.a + x.b, True, "Algebra, not float64's."),
    "identity_at_many_scales": Lemma(
        Identity, scales, lambda x: x.a * (1 + x.b), lambda x: x.a + x.a * x.b, True, "Algebra."),
    "circle": Lemma(
        Upper, square, lambda x: x.a * x.b, lambda x: jnp.asarray(0.5), True, "Means.", lambda x: 1 - x.a**2 - x.b**2),
    "masked_branches": Lemma(
        Upper, square, lambda x: jnp.where(x.a > 0.5, x.b, 0.0), lambda x: x.b, True, "Both branches."),
    "negative_sides_in_order": Lemma(
        Upper, square, lambda x: -1.001 * x.a - 1.0, lambda x: -x.a - 1.0, True, "a >= 0.", None, 1.2),
    "log1p": Lemma(Upper, square, lambda x: jnp.log1p(x.a), lambda x: x.a, True, "Concavity."),
    "tangent_of_exp": Lemma(
        Lower, square, lambda x: jnp.exp(x.a - x.b), lambda x: 1 + x.a - x.b, True, "Convexity."),
    "kl_within_the_span": Lemma(
        Upper, Instances(SMALL), lambda x: q.kl_ref(x.world, best(x)),
        lambda x: x.world.reward_bound / x.world.beta, True, "I5.", None, 0.05),
    "tie_in_both": Lemma(
        Identity, square, lambda x: jnp.maximum(x.a, x.b) + jnp.minimum(x.a, x.b), lambda x: x.a + x.b, True,
        "Algebra."),
}  # fmt: skip

for name, lemma in {**FALSE, **TRUE}.items():
    lemma.register(f"known_{name}")
