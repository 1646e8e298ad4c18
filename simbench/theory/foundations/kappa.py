"""The properties of kappa(x) = (x - 1)^2 / (x - 1 - log x) that turn value into coverage.

    kappa is increasing on (0, inf),   kappa(1) = 2,   x <= kappa(x) <= x + log x + 1   for x >= 1,

so in [huang2025, Lemma 3.1] the constant may be taken at the largest density ratio, where it is of the order of
the ratio itself. The upper bound meets kappa at x = 1 and at infinity, the lower one at infinity.
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Instance, Lower, Upper, claim, family


@family(log_x=(0.0, 300.0))
def above_one(log_x):
    """x in [1, e^300]."""
    return Instance(world=None, log_x=log_x)


@family(log_x=(-30.0, 30.0), log_step=(-20.0, 2.0))
def pairs(log_x, log_step):
    """x < y = x exp(e^log_step), x in [e^-30, e^30]."""
    return Instance(world=None, log_x=log_x, log_y=log_x + jnp.exp(log_step))


@claim("kappa_increases", source="simbench; huang2025, Lemma 3.1")
class KappaIncreases(Upper):
    """kappa(x) <= kappa(y) for 0 < x < y.

    Control: kappa(x)/x in place of kappa, which falls from 2 at x = 1 to 1.
    """

    domain = pairs
    tightness = 0.999
    controls = (
        Control(
            "kappa(x)/x",
            measured=lambda x: jnp.exp(q.log_kappa(x.log_x) - x.log_x),
            theory=lambda x: jnp.exp(q.log_kappa(x.log_y) - x.log_y),
        ),
        Control("one per cent more", constant=0.99),
    )

    def measured(self, x):
        return q.kappa(jnp.exp(x.log_x))

    def theory(self, x):
        return q.kappa(jnp.exp(x.log_y))


@claim("kappa_at_most", source="simbench; huang2025, Lemma 3.1")
class KappaAtMost(Upper):
    """kappa(x) <= x + log x + 1 for x >= 1, with equality at x = 1 (kappa(1) = 2).

    Controls: nine tenths of it; x + 1 without the logarithm.
    """

    domain = above_one
    tightness = 0.999999
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control("without the logarithm", theory=lambda x: jnp.exp(x.log_x) + 1.0),
    )

    def measured(self, x):
        return q.kappa(jnp.exp(x.log_x))

    def theory(self, x):
        return jnp.exp(x.log_x) + x.log_x + 1.0


@claim("kappa_at_least", source="simbench; huang2025, Lemma 3.1")
class KappaAtLeast(Lower):
    """kappa(x) >= x for x >= 1, with equality at infinity.

    Control: eleven tenths of it.
    """

    domain = above_one
    tightness = 0.999999
    controls = (Control("a tenth more", constant=1.1),)

    def measured(self, x):
        return q.kappa(jnp.exp(x.log_x))

    def theory(self, x):
        return jnp.exp(x.log_x)
