"""Regularised Bradley-Terry maximum likelihood on one prompt's win counts, solved by damped Newton.

    minimise   L(r) = - sum_{a,b} wins[a, b] log sigmoid(r_a - r_b) + (ridge / 2) ||r||^2      over r in R^A

With n = wins + wins', p_ab = sigmoid(r_a - r_b):

    gradient   g_a  = sum_b (wins_ba p_ab - wins_ab p_ba) + ridge r_a      (not n p - wins: it cancels when p -> 1)
    Hessian    H    = diag(sum_b n_ab p_ab p_ba) - [n_ab p_ab p_ba] + ridge I
    step       d    = -H^{-1} g,     decrement  lambda^2 = g' H^{-1} g,     h = max d - min d

**Convergence.** Along d the Hessian changes by a factor of at most e^{+-h}, because |sigmoid''| <= sigmoid'. Hence a
full step leaves the decrement at most

    lambda_+ <= e^{h/2} ((e^h - 1 - h) / h) lambda  <=  0.62 h lambda            for h <= 1/4,

and the step length log(1 + h)/h never overshoots for larger h. So steps are damped by log(1 + h)/h while h > 1/4 and
full below; plain Newton at a small ridge diverges.

**Stopping rule**, the same in both dialects. The next centred step d_+ obeys max|d_+| <= lambda_+ sqrt(K) for any bound
K >= max_a (H_+^{-1})_aa - 1 / (A ridge), the inverse without its direction of constants; 1 / ridge always is one. The
fit stops once a full step was taken after which this certifies

    max|d_+|  <=  0.62 h lambda sqrt(K)  <=  1e-12 (1 + max|r|),

that is, a Newton step below 1e-12 per unit of parameter without computing it; or when the step itself was below that.
The numba dialect follows a full step of range h <= 1/16 by one with the *same* factorisation, c = -H^{-1} g(r + d)
of range h_c and H-norm lambda_c, which needs no new Hessian and leaves lambda_+ <= 1.2 (h + h_c) lambda_c as long as
h + h_c <= 1/8. It also keeps a smaller K from label to label: data only add to H, and a step of range h changes it by a
factor of at most e^h, so K <- e^h K stays a bound; now and then it is computed afresh from the factorisation.
(A ridge of 1e-3 and 1e5 labels leave rounding of about 1e-12 in a step; the certificate does not have to see it.)

The optimum is centred (the ridge's gradient sums to zero), and so is every step: rounding in the direction of
constants, which only the ridge damps, would otherwise be amplified by 1 / ridge. Self-comparisons (a = b) are labels
without information and drop out.

Sources: Bradley and Terry (1952); self-concordance of the logistic loss: Bach (2010); the constants: simbench.
"""

from typing import Any

import jax
import jax.numpy as jnp

TOLERANCE = 1e-12  # of a step, per unit of parameter
FULL_STEP = 0.25  # the largest range h of an undamped step
CONTRACTION = 0.62  # e^{h/2} (e^h - 1 - h) / h^2 at h = 1/4 is 0.617
CHORD_STEP = 0.0625  # the largest range of a step whose factorisation is used once more
CHORD_CONTRACTION = 1.2  # e^{x/2} (e^x - 1) / x at x = 1/8 is 1.134
REFRESH = 16  # fits between two computations of K, each as dear as a factorisation
MAX_STEPS = 200
WIDEST = 600.0  # range of rewards whose exponentials share one scale without underflow
UNROLLED = 12  # up to this many responses the elimination is unrolled, which vectorises over runs


def solve_spd_jax(matrix: Any, vector: Any) -> Any:
    """Return matrix^{-1} vector `[A, B]` for B symmetric positive definite matrices, given as `[A, A, B]`.

    Elimination without pivoting, unrolled over columns when A is small: every step is one loop along the runs.
    """
    size = matrix.shape[0]
    if size > UNROLLED:
        factor = jnp.linalg.cholesky(jnp.moveaxis(matrix, -1, 0))
        solution = jax.scipy.linalg.cho_solve((factor, True), jnp.moveaxis(vector, -1, 0)[..., None])
        return jnp.moveaxis(solution[..., 0], 0, -1)
    augmented = jnp.concatenate([matrix, vector[:, None]], axis=1)
    rows = []
    for column in range(size):
        pivot = augmented[0] / augmented[0, 0]
        rows.append(jnp.pad(pivot[1:], ((column + 1, 0), (0, 0))))
        augmented = augmented[1:, 1:] - augmented[1:, :1] * pivot[None, 1:]
    upper = jnp.stack(rows)
    # No sum over columns: XLA would add up some lanes of a narrow block in another order than others.
    solution = upper[:, size]
    for column in range(size - 1, 0, -1):
        solution = solution - upper[:, column] * solution[column]
    return solution


def _fit_runs(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Fit B runs side by side, runs last: `wins [A, A, B]`, `start [A, B]`; a run that is done stands still."""
    off_diagonal = wins * (1.0 - jnp.eye(wins.shape[0]))[..., None]
    counts = off_diagonal + jnp.swapaxes(off_diagonal, 0, 1)
    on_diagonal = jnp.eye(wins.shape[0], dtype=bool)[..., None]

    def preference(reward: Any) -> Any:
        # sigmoid(r_a - r_b) = e_a / (e_a + e_b): A exponentials instead of A^2, safe while none underflows.
        wide = jnp.max(reward, axis=0) - jnp.min(reward, axis=0) > WIDEST
        weights = jnp.exp(reward - jnp.max(reward, axis=0))
        shared = weights[:, None] / (weights[:, None] + weights[None])

        def apart() -> Any:
            return jnp.where(wide, jax.nn.sigmoid(reward[:, None] - reward[None]), shared)

        return jax.lax.cond(jnp.any(wide), apart, lambda: shared)

    def newton(carry: Any) -> Any:
        reward, done, steps = carry
        p = preference(reward)
        q = jnp.swapaxes(p, 0, 1)  # of the other order, not 1 - p: that cancels when p -> 1
        downhill = jnp.sum(off_diagonal * q - (counts - off_diagonal) * p, axis=1) - ridge * reward
        curvature = counts * p * q
        hessian = jnp.where(on_diagonal, jnp.sum(curvature, axis=1) + ridge, -curvature)
        direction = solve_spd_jax(hessian, downhill)
        decrement = jnp.sqrt(jnp.maximum(jnp.sum(downhill * direction, axis=0), 0.0))
        direction = direction - jnp.mean(direction, axis=0)
        spread = jnp.max(direction, axis=0) - jnp.min(direction, axis=0)
        full = spread <= FULL_STEP
        damping = jnp.where(full, 1.0, jnp.log1p(spread) / jnp.where(full, 1.0, spread))
        tolerance = TOLERANCE * (1.0 + jnp.max(jnp.abs(reward), axis=0))
        certified = full & (CONTRACTION * spread * decrement <= tolerance * jnp.sqrt(ridge))
        finished = certified | (jnp.max(jnp.abs(direction), axis=0) <= tolerance)
        return jnp.where(done, reward, reward + damping * direction), done | finished, steps + 1

    carry = (start, jnp.zeros(start.shape[1:], dtype=bool), 0)
    reward, done, _ = jax.lax.while_loop(lambda c: jnp.any(~c[1]) & (c[2] < MAX_STEPS), newton, carry)
    return reward, done


@jax.custom_batching.custom_vmap
def fit_tabular_jax(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Return the minimiser r `[A]` for one prompt's `wins [A, A]`, from `start`, and whether the rule was met.

    Under vmap the runs become the last axis, along which XLA vectorises; left first, A x A loops stay scalar.
    """
    reward, done = _fit_runs(wins[..., None], start[:, None], ridge)
    return reward[:, 0], done[0]


@fit_tabular_jax.def_vmap
def _fit_tabular_vmapped(axis_size: int, in_batched: Any, wins: Any, start: Any, ridge: Any) -> Any:
    wins, start, ridge = (
        jnp.moveaxis(x, 0, -1) if batched else jnp.broadcast_to(x[..., None], (*jnp.shape(x), axis_size))
        for x, batched in zip((wins, start, jnp.asarray(ridge)), in_batched, strict=True)
    )
    reward, done = _fit_runs(wins, start, ridge)
    return (jnp.moveaxis(reward, -1, 0), done), (True, True)
