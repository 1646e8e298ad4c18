"""How well data from one policy cover the optimal one.

    Cov(pi* | pi)   = E_{s~rho, a~pi*} [pi* / pi] = 1 + chi2(pi* || pi)
    M = max pi*/pi,  m = min pi*/pi         over cells with rho_s > 0 and mass under pi* or pi
    C_glo           = max_{s: rho_s > 0, a} 1 / ref[s, a]                     +inf with missing support

Value controls coverage, from both sides, for every policy:

    1 + kappa(m) gap / beta  <=  Cov(pi* | pi)  <=  1 + kappa(M) gap / beta,     gap = J(pi*) - J(pi)

(kappa: see `kappa.py`), because Cov - 1 = E_pi (x - 1)^2 and gap / beta = E_pi (x - 1 - log x) at x = pi*/pi.
Ratios reach exp(2R/beta), which overflows from R/beta = 355 on; the `log_` versions do not.

Source: [huang2025, Lemma 3.1]; two-sided version [simbench]; C_glo [song2024].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import highest_prompt
from simbench.quantities.log_arithmetic import exp_or_inf, log_sum_exp
from simbench.quantities.policies.divergence import chi_squared
from simbench.quantities.policies.gibbs import log_optimal


def coverage(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return Cov(pi* | pi) = E_{pi*}[pi* / pi] >= 1; +inf where pi misses a response of pi*.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return 1.0 + coverage_excess(bandit, log_policy)


def coverage_excess(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return Cov(pi* | pi) - 1 = E_pi (pi*/pi - 1)^2, with all its digits when pi is near pi*.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return chi_squared(bandit.rho, log_optimal(bandit), log_policy)


def log_coverage(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return log Cov(pi* | pi), in nats, without overflow.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    require_float64(bandit.rho, log_policy)
    best = log_optimal(bandit)
    counted = (best > -jnp.inf) & (bandit.rho > 0)[:, None]
    missed = counted & (log_policy == -jnp.inf)
    covered = counted & ~missed
    log_rho = jnp.log(jnp.where(bandit.rho > 0, bandit.rho, 1.0))[:, None]
    terms = log_rho + 2.0 * jnp.where(covered, best, 0.0) - jnp.where(covered, log_policy, 0.0)
    flat = jnp.where(covered, terms, -jnp.inf).reshape(-1)
    some = jnp.any(covered)  # log_sum_exp needs one finite entry
    total = log_sum_exp(jnp.where(some, flat, 0.0))
    close = ~jnp.any(missed) & (total < 0.5)  # there Cov - 1 has more digits than Cov
    near_one = jnp.log1p(coverage_excess(bandit, jnp.where(close, log_policy, best)))
    return jnp.where(jnp.any(missed), jnp.inf, jnp.where(close, near_one, total))


def max_density_ratio(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return M = max pi*/pi over cells with rho_s > 0 and mass under pi* or pi.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return exp_or_inf(log_max_density_ratio(bandit, log_policy))


def min_density_ratio(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return m = min pi*/pi over cells with rho_s > 0 and mass under pi* or pi.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return jnp.exp(log_min_density_ratio(bandit, log_policy))


def log_max_density_ratio(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return log max pi*/pi, in nats; +inf where pi misses a response of pi*.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    log_ratio, counted = _log_density_ratio(bandit, log_policy)
    return jnp.max(jnp.where(counted, log_ratio, -jnp.inf))


def log_min_density_ratio(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return log min pi*/pi, in nats; -inf where pi has mass and pi* none.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    log_ratio, counted = _log_density_ratio(bandit, log_policy)
    return jnp.min(jnp.where(counted, log_ratio, jnp.inf))


def global_coverage(bandit: Bandit) -> jax.Array:
    """Return C_glo = max_{s: rho_s > 0, a} 1 / ref[s, a], the largest pi/ref of any policy.

    Args:
        bandit: the world.

    Source: [song2024].
    """
    return exp_or_inf(log_global_coverage(bandit))


def log_global_coverage(bandit: Bandit) -> jax.Array:
    """Return log C_glo, in nats; +inf with missing support.

    Args:
        bandit: the world.
    """
    require_float64(bandit.rho, bandit.log_ref)
    return highest_prompt(bandit.rho, jnp.max(-bandit.log_ref, axis=-1))


def _log_density_ratio(bandit: Bandit, log_policy: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return log(pi*/pi) `[S, A]` and the mask of the cells where it is defined and counts."""
    require_float64(bandit.rho, log_policy)
    best = log_optimal(bandit)
    in_best, in_policy = best > -jnp.inf, log_policy > -jnp.inf
    both = in_best & in_policy
    finite = jnp.where(both, best, 0.0) - jnp.where(both, log_policy, 0.0)
    log_ratio = jnp.where(both, finite, jnp.where(in_best, jnp.inf, -jnp.inf))
    return log_ratio, (in_best | in_policy) & (bandit.rho > 0)[:, None]
