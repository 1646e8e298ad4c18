"""Local coverage: how far a policy inside a KL ball can stray from the reference.

    C_eps = max { pi[s,a] / ref[s,a] :  KL(pi || ref) <= eps,  rho_s > 0 }

For one cell with p = ref[s, a], spend the whole budget on prompt s and scale the other responses together;
KL is then rho_s times the binary divergence

    kl(q || p) = q log(q/p) + (1 - q) log((1 - q) / (1 - p)),

so the best q is 1 if e >= log(1/p), and otherwise the root in (p, 1) of kl(q || p) = e. As q/p falls in p
for a fixed e, only the rarest supported response of each prompt matters. Two budgets e are of interest:

    `local_coverage`  e_s = eps / rho_s
                      The expected KL is at most eps, so one prompt may spend it all. With many prompts this
                      reaches 1/p on the rarest response: local coverage is then global.
    `tilt_coverage`   e_s = min(span_s/beta, span_s^2/(8 beta^2))
                      What the Gibbs policy of a reward with that span may spend, prompt by prompt. Never
                      larger than the first at eps = e, and enough for every RLHF bound.

The root is found on a log scale, where ratios like e^1000 are harmless, as that of sqrt(kl) - sqrt(e), which is
nearly linear. Its derivative is the implicit function theorem's.
`local_coverage_witness` returns the roots, so that a proof need only evaluate `binary_kl` there.

Source: C_eps [song2024]; its exact form and the tilt budgets [simbench].
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import highest_prompt
from simbench.quantities.log_arithmetic import exp_or_inf, log_complement, probability_difference
from simbench.quantities.policies.divergence import kl_terms

EVALUATIONS = 24  # of the divergence, per root
EPSILON, TINY = 2e-16, 1e-300  # log q is known to 2e-16 of log(1/p)


def local_coverage(bandit: Bandit, kl_budget: jax.Array | float) -> jax.Array:
    """Return C_eps = max pi/ref over policies with KL(pi || ref) <= eps and prompts with rho_s > 0.

    Args:
        bandit: the world.
        kl_budget: eps >= 0, expected KL in nats.

    Source: [song2024, Assumption 4.2].
    """
    return exp_or_inf(log_local_coverage(bandit, kl_budget))


def log_local_coverage(bandit: Bandit, kl_budget: jax.Array | float) -> jax.Array:
    """Return log C_eps, in nats, without overflow.

    Args:
        bandit: the world.
        kl_budget: eps >= 0, expected KL in nats.
    """
    return _log_coverage_of(bandit, expected_kl_budgets(bandit, kl_budget))


def tilt_coverage(bandit: Bandit, reward_span: jax.Array | float) -> jax.Array:
    """Return max pi/ref over policies that spend at most min(span_s/beta, span_s^2/(8 beta^2)) on prompt s.

    Every Gibbs policy of a reward with max_a r - min_a r <= span_s on prompt s is among them.

    Args:
        bandit: the world.
        reward_span: span_s >= 0 in reward units, a scalar or `[S]`; for rewards in [-R', R'] it is 2 R'.

    Source: [simbench], from [song2024, Lemma 4.1].
    """
    return exp_or_inf(log_tilt_coverage(bandit, reward_span))


def log_tilt_coverage(bandit: Bandit, reward_span: jax.Array | float) -> jax.Array:
    """Return the log of `tilt_coverage`, in nats, without overflow.

    Args:
        bandit: the world.
        reward_span: span_s >= 0 in reward units, a scalar or `[S]`.
    """
    return _log_coverage_of(bandit, tilt_budgets(bandit, reward_span))


def expected_kl_budgets(bandit: Bandit, kl_budget: jax.Array | float) -> jax.Array:
    """Return eps / rho_s `[S]`, in nats: what one prompt may spend; zero where rho_s = 0.

    Args:
        bandit: the world.
        kl_budget: eps >= 0, expected KL in nats.
    """
    require_float64(bandit.rho, kl_budget)
    counted = bandit.rho > 0
    return jnp.where(counted, kl_budget / jnp.where(counted, bandit.rho, 1.0), 0.0)


def tilt_budgets(bandit: Bandit, reward_span: jax.Array | float) -> jax.Array:
    """Return min(span/beta, span^2 / (8 beta^2)) `[S]`, in nats: no KL(G(r) || ref) on a prompt exceeds it.

    Args:
        bandit: the world.
        reward_span: span_s >= 0 in reward units, a scalar or `[S]`.

    Source: [simbench].
    """
    require_float64(bandit.beta, reward_span)
    tilt = jnp.broadcast_to(reward_span / bandit.beta, bandit.rho.shape)
    return jnp.minimum(tilt, tilt**2 / 8.0)


def local_coverage_witness(bandit: Bandit, prompt_budgets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return (log q, log p), each `[S]`: the rarest supported response of a prompt and the most it can get.

    kl(q_s || p_s) = min(e_s, log(1/p_s)), so that a verifier can enclose q without repeating the search.

    Args:
        bandit: the world.
        prompt_budgets: `[S]` e_s >= 0, KL in nats that prompt s may spend.
    """
    log_p = rarest_response(bandit)
    return binary_kl_root(prompt_budgets, log_p), log_p


def rarest_response(bandit: Bandit) -> jax.Array:
    """Return log min { ref[s, a] > 0 } `[S]`.

    Args:
        bandit: the world.
    """
    require_float64(bandit.log_ref)
    supported = bandit.log_ref > -jnp.inf
    return jnp.min(jnp.where(supported, bandit.log_ref, jnp.inf), axis=-1)


def binary_kl(log_q: jax.Array, log_p: jax.Array) -> jax.Array:
    """Return kl(q || p) = q log(q/p) + (1 - q) log((1 - q)/(1 - p)), in nats, from the logs of q and p.

    Args:
        log_q: any shape, <= 0.
        log_p: the same shape, <= 0.
    """
    require_float64(log_q, log_p)
    log_rest_q, log_rest_p, log_rest_ratio = _rest(log_q, log_p)
    return kl_terms(log_q, log_p) + kl_terms(log_rest_q, log_rest_p, log_rest_ratio)


@jax.jit
def binary_kl_root(kl_budget: jax.Array, log_p: jax.Array) -> jax.Array:
    """Return log q, the largest q >= p with kl(q || p) <= e; 0 (q = 1) once e >= log(1/p); NaN for e < 0.

    Differentiable by the implicit function theorem. At e = 0 the slope in e is infinite and reported as zero.
    Jitted so that the call keeps its name in a jaxpr: an interpreter may enclose the root in its own way.

    Args:
        kl_budget: any shape, e in nats.
        log_p: a shape that broadcasts with it, <= 0.
    """
    return _root(*jnp.broadcast_arrays(kl_budget, log_p))


@jax.custom_jvp
def _root(kl_budget: jax.Array, log_p: jax.Array) -> jax.Array:
    saturated = kl_budget >= -log_p
    budget = jnp.where(saturated | (kl_budget < 0), 0.0, kl_budget)

    def height(log_q: jax.Array) -> jax.Array:
        return jnp.sqrt(binary_kl(log_q, log_p)) - jnp.sqrt(budget)

    top = jnp.zeros_like(log_p)
    above = jnp.maximum(height(top), TINY)  # positive but for rounding: the budget is less than log(1/p)
    log_q = _bracketed_root(height, (log_p, -jnp.sqrt(budget)), (top, above))
    root = jnp.where(saturated, 0.0, jnp.where(budget > 0, log_q, log_p))
    return jnp.where(kl_budget < 0, jnp.nan, root)


def _bracketed_root(
    height: Callable[[jax.Array], jax.Array],
    low: tuple[jax.Array, jax.Array],
    high: tuple[jax.Array, jax.Array],
) -> jax.Array:
    """Return the root of an increasing function between `low` and `high`, each a (place, height), entry by entry.

    Inverse quadratic interpolation where the last three heights allow it, else halving: 20 evaluations leave nothing to
    gain on 4e5 brackets of widths from 1e-9 to 3e4, where halving takes 52 and Newton's last steps.
    Source: Chandrupatla, Advances in Engineering Software 28 (1997).
    """

    def narrow(_: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        new, old, f_new, f_old, share = state
        x = new + share * (old - new)
        f = height(x)
        same = jnp.sign(f) == jnp.sign(f_new)
        # The other end of the bracket, where the sign is opposite to f's, and the third of the last three places.
        other, f_other = jnp.where(same, old, new), jnp.where(same, f_old, f_new)
        third, f_third = jnp.where(same, new, old), jnp.where(same, f_new, f_old)
        place, level = (x - other) / (third - other), (f - f_other) / (f_third - f_other)
        inverse = f / (f_other - f) * f_third / (f_other - f_third) + (third - x) / (other - x) * f / (
            f_third - f
        ) * f_other / (f_third - f_other)
        curved = (level**2 < place) & ((1.0 - level) ** 2 < 1.0 - place) & jnp.isfinite(inverse)
        least = jnp.minimum(resolution / jnp.maximum(jnp.abs(other - x), TINY), 0.5)
        share = jnp.clip(jnp.where(curved, inverse, 0.5), least, 1.0 - least)
        return x, other, f, f_other, share

    resolution = EPSILON * jnp.abs(low[0])
    start = (high[0], low[0], high[1], low[1], jnp.full_like(low[0], 0.5))
    x, other, f, f_other, _ = jax.lax.fori_loop(0, EVALUATIONS, narrow, start)
    return jnp.where(jnp.abs(f) < jnp.abs(f_other), x, other)


@_root.defjvp
def _root_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    kl_budget, log_p = primals
    budget_dot, log_p_dot = tangents
    log_q = _root(kl_budget, log_p)
    saturated = kl_budget >= -log_p
    slope_q, slope_p = _binary_kl_slopes(log_q, log_p)
    interior = (slope_q > 0) & ~saturated
    safe = jnp.where(interior, slope_q, 1.0)
    by_budget = jnp.where(interior, 1.0 / safe, 0.0)
    by_log_p = jnp.where(interior, -slope_p / safe, jnp.where(saturated, 0.0, 1.0))
    return log_q, by_budget * budget_dot + by_log_p * log_p_dot


def _binary_kl_slopes(log_q: jax.Array, log_p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the derivatives of kl(q || p) in log q (+inf at q = 1) and in log p."""
    log_rest_q, log_rest_p, log_rest_ratio = _rest(log_q, log_p)
    by_log_q = jnp.exp(log_q) * (log_q - log_p - log_rest_ratio)
    by_log_p = -probability_difference(log_q, log_p) * jnp.exp(-log_rest_p)
    return jnp.where(log_rest_q > -jnp.inf, by_log_q, jnp.inf), by_log_p


def _rest(log_q: jax.Array, log_p: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return log(1 - q), log(1 - p) and log((1 - q)/(1 - p)); the last is 0 where it is not finite."""
    log_rest_q, log_rest_p = log_complement(log_q), log_complement(log_p)
    both = (log_rest_q > -jnp.inf) & (log_rest_p > -jnp.inf)
    safe_q, safe_p = jnp.where(both, log_rest_q, 0.0), jnp.where(both, log_rest_p, 0.0)
    # Through q - p while q is near p: there the difference of the two logs has no digits left.
    moved = jnp.where(both, probability_difference(log_q, log_p) * jnp.exp(-safe_p), 0.0)
    close = jnp.abs(moved) < 0.5
    log_rest_ratio = jnp.where(close, jnp.log1p(-jnp.where(close, moved, 0.0)), safe_q - safe_p)
    return log_rest_q, log_rest_p, log_rest_ratio


def _log_coverage_of(bandit: Bandit, prompt_budgets: jax.Array) -> jax.Array:
    log_q, log_p = local_coverage_witness(bandit, prompt_budgets)
    return highest_prompt(bandit.rho, log_q - log_p)
