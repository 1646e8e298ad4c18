"""IPO's closed form, and the target it belongs to.

The loss E_{a,b~mu} [P(a > b) (h_a - h_b - 1/(2 tau))^2], h = log(pi/ref), is minimised by
pi = ref exp(p(. > mu)/tau)/Z whatever the preferences: the temperature tau of the regularised win rate. Papers
that write beta for tau and print the target beta/2 [tang2024, eq. 1] mean 1/(2 beta): with beta/2 the same closed
form is no minimiser, and a larger beta would regularise less.
"""

from simbench import quantities as q
from simbench.quantities.losses.ipo import ipo_loss, ipo_policy
from simbench.verify import Control, Identity, claim
from simbench.verify.domains import Free, Instances, Scalar, Worlds

ANY_PREFERENCES = Worlds(shapes=((2, 3),), general_preferences=True, ref_depth=10.0)
DOMAIN = Instances(
    ANY_PREFERENCES, log_policy=Free(depth=10.0), log_data=Free(depth=10.0), tau=Scalar(0.05, 5.0, log=True)
)


def excess_loss(x, target):
    """Return how much worse than ref exp(p(. > mu)/tau)/Z the policy fits win differences of size `target`."""
    closed_form = ipo_policy(x.world, x.tau, x.log_data)
    fitted = ipo_loss(x.world, x.log_policy, target, x.log_data)
    return fitted - ipo_loss(x.world, closed_form, target, x.log_data)


def distance(x, log_data):
    """Return E_rho Var_mu log(pi/pi_IPO), pi_IPO computed for these data."""
    return q.expected_variance(x.world.rho, x.log_data, x.log_policy - ipo_policy(x.world, x.tau, log_data))


@claim("ipo_closed_form", source="azar2024; simbench")
class IPOClosedForm(Identity):
    """L(pi) - L(pi_IPO) = E_rho Var_mu log(pi/pi_IPO) >= 0, pi_IPO = ref exp(p(. > mu)/tau)/Z, target 1/(2 tau).

    L is IPO's loss under pairs from a law mu of responses, p(. > mu) the win rate against mu, tau is the temperature,
    Z the sum that normalises pi_IPO. So pi_IPO is the unique minimiser. Any preferences, any policy, both responses
    of a pair from the same mu. Controls: the target 1/tau; win rates against ref in place of mu; a thousandth more.
    """

    domain = DOMAIN
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("the target 1/tau", measured=lambda x: excess_loss(x, 1.0 / x.tau)),
        Control("win rates against ref", theory=lambda x: distance(x, x.world.log_ref)),
    )

    def measured(self, x):
        return excess_loss(x, 0.5 / x.tau)

    def theory(self, x):
        return distance(x, x.log_data)


@claim(
    "ipo_target_half_beta",
    source="simbench, the target beta/2 of tang2024, eq. 1, read with azar2024's temperature",
    expected="violated",
    corrected_by="ipo_closed_form",
)
class IPOTargetHalfBeta(Identity):
    """L(pi) - L(pi_IPO) = E_rho Var_mu log(pi/pi_IPO) for the target tau/2.

    The target beta/2 belongs to tau = 1/beta, and is no error there; with tau itself in its place the closed form is
    missed but at tau = 1.
    """

    domain = DOMAIN

    def measured(self, x):
        return excess_loss(x, 0.5 * x.tau)

    def theory(self, x):
        return distance(x, x.log_data)
