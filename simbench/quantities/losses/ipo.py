"""Identity preference optimisation: its population loss, and the policy that minimises it.

    L(pi) = E_{s~rho; a,b~mu} [ P(a > b) (h_a - h_b - target)^2 ],    h = log(pi/ref),   target = 1/(2 tau)

The loss is a weighted least-squares problem in h. Setting its gradient to zero gives h_a = 2 target p(a > mu) +
const, p(a > mu) = E_{b~mu} P(a > b), for ANY preferences, hence

    pi_IPO = ref exp( p(. > mu)/tau ) / Z,        L(pi) - L(pi_IPO) = E_rho Var_mu( log pi/pi_IPO ).

A larger tau is stronger regularisation. The target tau/2 that is sometimes printed makes it weaker.

Source: [azar2024].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.policies.gibbs import gibbs
from simbench.quantities.preferences.win_rate import preference, response_win_rate


def ipo_loss(
    bandit: Bandit, log_policy: jax.Array, target: jax.Array | float, log_data: jax.Array | None = None
) -> jax.Array:
    """Return E_{a,b~mu} [P(a > b) (h_a - h_b - target)^2], h = log(pi/ref); no unit.

    Args:
        bandit: the world; the reference and the policy must emit every response.
        log_policy: `[S, A]` log-policy.
        target: the log-ratio difference that a certain win asks for; 1/(2 tau).
        log_data: `[S, A]` log of mu, from which both responses of a pair are drawn; None means the reference.
    """
    log_data = bandit.log_ref if log_data is None else log_data
    require_float64(bandit.rho, log_policy, log_data)
    h = log_policy - bandit.log_ref
    misfit = (h[:, :, None] - h[:, None, :] - target) ** 2
    data = jnp.exp(log_data)
    return over_prompts(bandit.rho, jnp.einsum("sa,sb,sab->s", data, data, preference(bandit) * misfit))


def ipo_policy(bandit: Bandit, tau: jax.Array | float, log_data: jax.Array | None = None) -> jax.Array:
    """Return log pi_IPO, shape `[S, A]`: ref tilted by the win rate against mu, at temperature tau.

    Args:
        bandit: the world.
        tau: regularisation strength (> 0, no unit: win rates per nat).
        log_data: `[S, A]` log of mu; None means the reference.
    """
    log_data = bandit.log_ref if log_data is None else log_data
    return gibbs(bandit, response_win_rate(bandit, log_data) * (bandit.beta / tau))
