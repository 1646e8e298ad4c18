"""Reward and policy determine each other: r = beta log(G(r)/ref) + beta log Z_r, the sign of Z included.

[song2024, Assumption 4.3] prints beta log(pi/(ref Z)), that is MINUS beta log Z; taken at its word it is right
only where Z = 1 (or if Z stands for its own reciprocal). Both are judged as averages over an arbitrary policy nu:
two rewards are equal on the support if and only if all such averages are.
"""

from simbench import quantities as q
from simbench.quantities.losses.optimism import implicit_bonus
from simbench.verify import Control, Identity, claim
from simbench.verify.domains import Free, Instances, Reward, Worlds

DOMAIN = Instances(Worlds(shapes=((2, 3),), missing=0.2), estimate=Reward(), nu=Free(depth=20.0))


def log_ratio_part(x):
    """Return beta E_nu log(G(r)/ref)."""
    return -implicit_bonus(x.world, q.gibbs(x.world, x.estimate), x.nu)


def log_partition_part(x):
    """Return beta E_rho log Z_r."""
    return q.optimal_value(x.world.replace(reward=x.estimate))


@claim("reward_of_its_gibbs_policy", source="simbench; song2024, Assumption 4.3; huang2025")
class RewardOfItsGibbsPolicy(Identity):
    """E_nu r = beta E_nu log(G(r)/ref) + beta E_rho log Z_r for every reward r and policy nu on ref's support.

    Controls: a thousandth more; log Z left out.
    """

    domain = DOMAIN
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("log Z left out", theory=log_ratio_part),
    )

    def measured(self, x):
        return q.expectation(x.world.rho, x.nu, x.estimate)

    def theory(self, x):
        return log_ratio_part(x) + log_partition_part(x)


@claim(
    "reward_of_its_gibbs_policy_misprinted",
    source="simbench, a slide on song2024, Assumption 4.3, read with Z = sum ref e^{r/beta}",
    expected="violated",
    corrected_by="reward_of_its_gibbs_policy",
)
class RewardOfItsGibbsPolicyMisprinted(Identity):
    """E_nu r = beta E_nu log(G(r)/(ref Z_r)): with Z in the denominator.

    The slide does not define Z, and its proof sketch takes Z = 1, where the formula holds.
    """

    domain = DOMAIN

    def measured(self, x):
        return q.expectation(x.world.rho, x.nu, x.estimate)

    def theory(self, x):
        return log_ratio_part(x) - log_partition_part(x)
