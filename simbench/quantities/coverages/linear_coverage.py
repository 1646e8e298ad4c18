"""Coverage in feature space: what the linear theory needs of the data.

    || E_pi phi - nu ||_{Sigma^{-1}},     Sigma = lambda I + E [z z'],   z = phi(s, a) - phi(s, b)

nu is the feature mean of the comparator (labels identify differences only). With a and b drawn from ref,
E [z z'] = 2 E_rho Cov_ref(phi).

A covariance given as a matrix has lost what its condition number takes: with nearly collinear features and lambda =
1e-8 the norm is right to 1e-8. Its root R, Sigma = R'R, comes from the features by a QR factorisation and keeps the
digits.

Source: [xiong2024]; [zhu2023].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.precision import require_float64


def linear_coverage(
    bandit: Bandit, log_policy: jax.Array, covariance: jax.Array, baseline: jax.Array
) -> jax.Array:
    """Return || E_pi phi - nu ||_{Sigma^{-1}}.

    Args:
        bandit: the world, with features `[S, A, d]`.
        log_policy: `[S, A]` log-policy.
        covariance: `[d, d]` Sigma, symmetric positive definite; a singular one gives NaN. The result is right to
            about 1e-16 times its condition number.
        baseline: `[d]` nu, the feature mean that is subtracted.

    Raises:
        SimbenchError: the world has no features.
    """
    require_float64(covariance)
    return _norm(bandit, log_policy, jnp.linalg.cholesky(covariance), baseline)


def linear_coverage_by_root(
    bandit: Bandit, log_policy: jax.Array, root: jax.Array, baseline: jax.Array
) -> jax.Array:
    """Return || E_pi phi - nu ||_{Sigma^{-1}} for Sigma = R'R, right to 1e-16 times the condition number of R.

    Args:
        bandit: the world, with features `[S, A, d]`.
        log_policy: `[S, A]` log-policy.
        root: `[d, d]` R, upper triangular, such as `reference_pair_root` returns.
        baseline: `[d]` nu, the feature mean that is subtracted.

    Raises:
        SimbenchError: the world has no features.
    """
    require_float64(root)
    return _norm(bandit, log_policy, root.T, baseline)


def _norm(bandit: Bandit, log_policy: jax.Array, lower: jax.Array, baseline: jax.Array) -> jax.Array:
    require_float64(baseline)
    shift = feature_mean(bandit, log_policy) - baseline
    whitened = jax.scipy.linalg.solve_triangular(lower, shift, lower=True)
    squared = jnp.sum(whitened**2)
    positive = squared > 0  # keeps the gradient finite where the two means agree
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), squared)


def feature_mean(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return E_pi phi = sum_s rho_s sum_a pi[s, a] phi[s, a], shape `[d]`.

    Args:
        bandit: the world, with features `[S, A, d]`.
        log_policy: `[S, A]` log-policy.

    Raises:
        SimbenchError: the world has no features.
    """
    features = _features(bandit)
    require_float64(bandit.rho, log_policy, features)
    weights = bandit.rho[:, None] * jnp.exp(log_policy)
    return jnp.einsum("sa,sad->d", weights, features)


def reference_pair_covariance(bandit: Bandit, regularisation: jax.Array | float) -> jax.Array:
    """Return lambda I + E_{s~rho; a,b~ref} [z z'] = lambda I + 2 E_rho Cov_ref(phi), shape `[d, d]`.

    Args:
        bandit: the world, with features `[S, A, d]`.
        regularisation: lambda >= 0, in squared feature units.

    Raises:
        SimbenchError: the world has no features.
    """
    weights, centred = _centred(bandit, regularisation)
    spread = jnp.einsum("sa,sad,sae->de", weights, centred, centred)
    return regularisation * jnp.eye(centred.shape[-1], dtype=jnp.float64) + 2.0 * spread


def reference_pair_root(bandit: Bandit, regularisation: jax.Array | float) -> jax.Array:
    """Return R, upper triangular `[d, d]`, with R'R = lambda I + E_{s~rho; a,b~ref} [z z'], without forming the latter.

    Args:
        bandit: the world, with features `[S, A, d]`.
        regularisation: lambda > 0, in squared feature units.

    Raises:
        SimbenchError: the world has no features.
    """
    weights, centred = _centred(bandit, regularisation)
    size = centred.shape[-1]
    rows = (jnp.sqrt(2.0 * weights)[:, :, None] * centred).reshape(-1, size)
    ridge = jnp.sqrt(jnp.asarray(regularisation)) * jnp.eye(size, dtype=jnp.float64)
    return jnp.linalg.qr(jnp.concatenate([rows, ridge]), mode="r")


def _centred(bandit: Bandit, regularisation: jax.Array | float) -> tuple[jax.Array, jax.Array]:
    """Return rho ref `[S, A]`, and the features less their means under the reference `[S, A, d]`."""
    features = _features(bandit)
    require_float64(bandit.rho, bandit.log_ref, features, regularisation)
    ref = jnp.exp(bandit.log_ref)
    return bandit.rho[:, None] * ref, features - jnp.einsum("sa,sad->sd", ref, features)[:, None, :]


def _features(bandit: Bandit) -> jax.Array:
    if bandit.features is None:
        raise SimbenchError(
            "this world has no features; linear coverage needs Bandit.features of shape [S, A, d]."
        )
    return bandit.features
