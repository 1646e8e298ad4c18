"""Best-of-n against its reference: divergence, density ratio and win rate, exactly and in closed form.

    KL(BoN||ref) <= log n - (n-1)/n,     max BoN/ref <= n,     P(BoN beats ref) <= n/(n+1)   (a tie counts 1/2)

for every real n >= 1, every score and every finite set of responses; all three are equalities in the limit of a
continuous score. On a finite set the law of BoN is the image of the continuous one, whose density on the quantile
scale is n u^{n-1}; the bounds are data processing, and Jensen's inequality inside each tie.
Published for integer n and continuous scores: arXiv 2401.01879 proves the first to be an upper bound;
[gao2022] uses it as an equality.
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Instances, Scalar, Worlds

RESPONSES = 24  # of the fine scale
DOMAIN = Instances(Worlds(shapes=((2, 3),)), draws=Scalar(1.0, 100.0, log=True))


@family(draws=(1.5, 4.0))
def fine_scale(draws):
    """A uniform reference over many responses of different rewards: almost a continuous score."""
    reward = jnp.linspace(0.0, 1.0, RESPONSES)[None, :]
    log_ref = jnp.full((1, RESPONSES), -jnp.log(RESPONSES))
    return Instance(
        world=traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=reward, beta=1.0), draws=draws
    )


class BestOfN(Upper):
    """Best-of-n by the true reward, n in [1, 100]; tight on a fine scale."""

    domain = DOMAIN
    tight_on = fine_scale


@claim("best_of_n_divergence", source="simbench; huang2025bon; gao2022")
class BestOfNDivergence(BestOfN):
    """KL(BoN||ref) <= log n - (n-1)/n.

    Controls: half of it; the law of 2n draws.
    """

    tightness = 0.97
    controls = (
        Control("half the bound", constant=0.5),
        Control(
            "twice as many draws",
            measured=lambda x: q.kl_ref(x.world, q.best_of_n(x.world, 2.0 * x.draws)),
        ),
    )

    def measured(self, x):
        return q.kl_ref(x.world, q.best_of_n(x.world, x.draws))

    def theory(self, x):
        return jnp.log(x.draws) - (x.draws - 1.0) / x.draws

    def assumes_margin(self, x):
        return x.draws - 1.001  # at n = 1 both sides vanish to second order


@claim("best_of_n_ratio", source="simbench; huang2025bon")
class BestOfNRatio(BestOfN):
    """max BoN/ref <= n.

    Tight: the best response is rare. Controls: nine tenths of it; 1 + log n.
    """

    tightness = 0.99
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control("1 + log n", theory=lambda x: 1.0 + jnp.log(x.draws)),
    )

    def measured(self, x):
        return jnp.exp(jnp.max(q.best_of_n(x.world, x.draws) - x.world.log_ref))

    def theory(self, x):
        return x.draws


@claim("best_of_n_win_rate", source="simbench; huang2025bon")
class BestOfNWinRate(BestOfN):
    """P(r(BoN) > r(ref)) + P(r(BoN) = r(ref))/2 <= n/(n+1).

    The judge compares rewards without noise. Controls: a tie counts as a win; nine tenths of it.
    """

    tightness = 0.99
    controls = (
        Control(
            "a tie counts as a win",
            measured=lambda x: win_rate_by_rank(x.world, q.best_of_n(x.world, x.draws), tie=1.0),
        ),
        Control("nine tenths of the bound", constant=0.9),
    )

    def measured(self, x):
        return win_rate_by_rank(x.world, q.best_of_n(x.world, x.draws))

    def theory(self, x):
        return x.draws / (x.draws + 1.0)


def win_rate_by_rank(world, log_policy, tie=0.5):
    """Return the win rate against ref of a judge who sees rewards, a tie counting `tie`."""
    own, other = world.reward[:, :, None], world.reward[:, None, :]
    sure = jnp.where(own > other, 1.0, jnp.where(own < other, 0.0, tie))
    judged = traced_world(
        rho=world.rho, log_ref=world.log_ref, reward=world.reward, beta=world.beta, prefs=sure
    )
    return q.win_rate(judged, log_policy)
