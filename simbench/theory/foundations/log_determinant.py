"""The log-determinant identity, alias the elliptical potential lemma: a textbook result.

With V_t = lambda I + sum_{i<=t} z_i z_i' in dimension d, ||z_i|| <= L and T vectors,

    sum_t log(1 + ||z_t||^2_{V_{t-1}^{-1}}) = log det V_T - log det V_0 <= d log(1 + T L^2 / (d lambda)),

so that some t <= T has ||z_t||^2_{V_{t-1}^{-1}} <= (1 + T L^2/(d lambda))^{d/T} - 1: the data cannot be surprising
for ever. The inequality is that of the arithmetic and geometric means, an equality for T = d orthogonal vectors of
one length. Source: [Abbasi-Yadkori, Pal and Szepesvari (2011), Lemma 11], its number recalled; [xiong2024] uses it.
Here the z are differences of features, z_a = phi(s, a) - phi(s, 0), as in a comparison with response 0.
"""

import jax
import jax.numpy as jnp

from simbench.verify import Control, Identity, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Instances, Scalar, Worlds

SOURCE = "Abbasi-Yadkori, Pal and Szepesvari (2011), Lemma 11, recalled; used by xiong2024"
DOMAIN = Instances(Worlds(shapes=((1, 5),), features=2), ridge=Scalar(0.01, 10.0, log=True))


@family(angle=(0.0, 3.0), length=(0.1, 2.0), ridge=(0.01, 10.0))
def orthogonal(angle, length, ridge):
    """Two orthogonal differences of one length."""
    turn = length * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
    features = jnp.stack([jnp.zeros(2), turn, jnp.stack([-turn[1], turn[0]])])[None]
    world = traced_world(
        rho=jnp.ones(1), log_ref=jnp.zeros((1, 3)), reward=jnp.zeros((1, 3)), beta=1.0, features=features
    )
    return Instance(world=world, ridge=ridge)


def differences(x):
    """Return z [T, d]."""
    phi = x.world.features
    return (phi[:, 1:] - phi[:, :1]).reshape(-1, phi.shape[-1])


def grown(x, before):
    """Return ||z_t||^2 in the inverse of V_{t-before}, shape [T], by a triangular solve."""
    z = differences(x)
    outer = jnp.cumsum(z[:, :, None] * z[:, None, :], axis=0)
    if before:
        outer = jnp.concatenate([jnp.zeros_like(outer[:1]), outer[:-1]])
    factor = jax.lax.linalg.cholesky(outer + x.ridge * jnp.eye(z.shape[-1]))
    whitened = jax.lax.linalg.triangular_solve(factor, z[:, :, None], left_side=True, lower=True)
    return jnp.sum(whitened**2, axis=(1, 2))


def growth_bound(x):
    """Return log(1 + T L^2 / (d lambda))."""
    z = differences(x)
    count, dimension = z.shape
    longest = jnp.max(jnp.sum(z**2, axis=-1))
    return jnp.log1p(count * longest / (dimension * x.ridge))


@claim("log_determinant_identity", source=SOURCE)
class LogDeterminantIdentity(Identity):
    """sum_t log(1 + ||z_t||^2_{V_{t-1}^{-1}}) = log det V_T - log det V_0.

    V_t = lambda I + sum_{i<=t} z_i z_i', z_t in dimension d, V_T the last, a ridge lambda. Controls: the norms taken
    after the update, in V_t^{-1}; a thousandth more.
    """

    domain = DOMAIN
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("norms after the update", measured=lambda x: jnp.sum(jnp.log1p(grown(x, before=False)))),
    )

    def measured(self, x):
        return jnp.sum(jnp.log1p(grown(x, before=True)))

    def theory(self, x):
        z = differences(x)
        unit = jnp.eye(z.shape[-1])
        factor = jax.lax.linalg.cholesky(x.ridge * unit + z.T @ z)
        return 2.0 * jnp.sum(jnp.log(jnp.sum(factor * unit, axis=-1))) - z.shape[-1] * jnp.log(x.ridge)


@claim("log_determinant_bound", source=SOURCE)
class LogDeterminantBound(Upper):
    """sum_t log(1 + ||z_t||^2_{V_{t-1}^{-1}}) <= d log(1 + T L^2/(d lambda)).

    V_t = lambda I + sum_{i<=t} z_i z_i', T vectors z_t in dimension d, L the largest norm of them, a ridge lambda.
    Tight: d orthogonal vectors of one length. Control: nine tenths of it.
    """

    domain = DOMAIN
    tight_on = orthogonal
    tightness = 0.999999
    controls = (Control("nine tenths of the bound", constant=0.9),)

    def measured(self, x):
        return jnp.sum(jnp.log1p(grown(x, before=True)))

    def theory(self, x):
        return x.world.features.shape[-1] * growth_bound(x)


@claim("some_round_is_no_surprise", source=SOURCE)
class SomeRoundIsNoSurprise(Upper):
    """min_t ||z_t||^2_{V_{t-1}^{-1}} <= (1 + T L^2/(d lambda))^{d/T} - 1.

    V_t = lambda I + sum_{i<=t} z_i z_i', T vectors z_t in dimension d, L the largest norm of them, a ridge lambda.
    Tight: d orthogonal vectors of one length. Controls: nine tenths of it; the largest norm for the smallest.
    """

    domain = DOMAIN
    tight_on = orthogonal
    tightness = 0.999999
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control("the largest norm", measured=lambda x: jnp.max(grown(x, before=True))),
    )

    def measured(self, x):
        return jnp.min(grown(x, before=True))

    def theory(self, x):
        count, dimension = differences(x).shape
        return jnp.expm1(dimension / count * growth_bound(x))
