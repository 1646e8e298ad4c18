"""The theorem laboratory: claims, domains, the hunter, ball arithmetic, certificates, the judge.

Writing a claim (a file of one's own; nothing else is needed)::

    from simbench import quantities as q
    from simbench.verify import Control, Upper, claim
    from simbench.verify.domains import Free, Gibbs, Instances, Worlds

    @claim("my_lemma", source="me, Lemma 1")
    class MyLemma(Upper):
        '''Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) gap/beta for Gibbs policies of rewards in [0, R].

        Controls: half the constant; a policy with |log pi/ref| far above R/beta.
        '''

        domain = Instances(Worlds(ratio=(0.1, 20)), log_policy=Gibbs())
        tightness = 0.99
        controls = (
            Control("half the constant", constant=0.5),
            Control("policy off the class", domain=Instances(log_policy=Free())),
        )

        def measured(self, x):
            return q.coverage_excess(x.world, x.log_policy)

        def theory(self, x):
            ratio = x.world.reward_bound / x.world.beta
            return q.kappa(jnp.exp(2 * ratio)) * q.value_gap(x.world, x.log_policy) / x.world.beta

and judging it: `print(judge("my_lemma"))`. `sb.claim`, `sb.Upper`, `sb.domains` … are the same names.

The kinds are `Upper` (measured <= theory), `Lower` (>=), `Identity` (=), `Exists` (> somewhere); their attributes
are described in `protocol.py`, domains in `domains/`:

    Instances(Worlds(shapes, ratio, reward_bound, ref_depth, missing, features, general_preferences),
              log_policy=Gibbs() | Mixture(k) | Free(depth) | Optimal() | Reference(),
              estimate=Reward(), budget=Scalar(low, high, log=True), ...)        -> x.world, x.log_policy, ...
    @family(log_tail=(-50, -2), ratio=(2, 20))     a tight family: one function of boxed numbers, which
    def rare_arm(log_tail, ratio): ...             returns Instance(world=traced_world(...), ...)

Rules: both sides are pure jax.numpy of one instance `x` and return one number; numbers written in a claim are the
doubles they are (0.1 is the double 0.1; write `x / 10` where a tenth is meant), while jnp.log(2.0) is log 2; a
control must be refuted, with proof, or the claim is never called consistent. A side that finds a root, or sums a
series in place of a function, declares what it stands for once (`ball.encloses_root`, `ball.encloses`).

Claims about runs are of the kinds `Probable`, `Rate`, `Level` and `Order` (`statistical/`).

`hunt("my_lemma", seconds=60)` climbs for longer; a violation comes with a certificate (`certificate.save`,
`certificate.replay`), which another process checks at twice the precision.
"""

from simbench.verify.domains import family
from simbench.verify.hunting import Quarry, hunt
from simbench.verify.instance import Instance, traced_world
from simbench.verify.judging import judge, judge_all
from simbench.verify.power import Power, power
from simbench.verify.protocol import (
    Claim,
    Control,
    Deterministic,
    Exists,
    Identity,
    Lower,
    Upper,
    claim,
    find_claim,
)
from simbench.verify.statistical import Altered, Level, Order, Probable, Rate, Statistical
from simbench.verify.verdict import ControlOutcome, Verdict

__all__ = [
    "Altered",
    "Claim",
    "Control",
    "ControlOutcome",
    "Deterministic",
    "Exists",
    "Identity",
    "Instance",
    "Level",
    "Lower",
    "Order",
    "Power",
    "Probable",
    "Quarry",
    "Rate",
    "Statistical",
    "Upper",
    "Verdict",
    "claim",
    "family",
    "find_claim",
    "hunt",
    "judge",
    "judge_all",
    "power",
    "traced_world",
]
