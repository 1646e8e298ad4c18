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

**Stopping rule**, the same in both dialects. The next Newton step d_+ obeys max|d_+| <= lambda_+ / sqrt(ridge), since
H >= ridge I. The fit stops once a full step was taken after which this bound certifies

    max|d_+|  <=  0.62 h lambda / sqrt(ridge)  <=  1e-12 (1 + max|r|),

that is, a Newton step below 1e-12 per unit of parameter without computing it; or when the step itself was below that.
The numba dialect follows a full step of range h <= 1/16 by one with the *same* factorisation, c = -H^{-1} g(r + d)
of range h_c and H-norm lambda_c, which needs no new Hessian and leaves lambda_+ <= 1.2 (h + h_c) lambda_c as long as
h + h_c <= 1/8.
(A ridge of 1e-3 and 1e5 labels leave rounding of about 1e-12 in a step; the certificate does not have to see it.)

The optimum is centred (the ridge's gradient sums to zero), and so is every step: rounding in the direction of
constants, which only the ridge damps, would otherwise be amplified by 1 / ridge. Self-comparisons (a = b) are labels
without information and drop out.

Sources: Bradley and Terry (1952); self-concordance of the logistic loss: Bach (2010); the constants: simbench.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simbench.tape.kernel import kernel

TOLERANCE = 1e-12  # of a step, per unit of parameter
FULL_STEP = 0.25  # the largest range h of an undamped step
CONTRACTION = 0.62  # e^{h/2} (e^h - 1 - h) / h^2 at h = 1/4 is 0.617
CHORD_STEP = 0.0625  # the largest range of a step whose factorisation is used once more
CHORD_CONTRACTION = 1.2  # e^{x/2} (e^x - 1) / x at x = 1/8 is 1.134
MAX_STEPS = 200
WIDEST = 600.0  # range of rewards whose exponentials share one scale without underflow
UNROLLED = 24  # up to this many responses the elimination is unrolled, which vectorises over runs


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
    for _ in range(size):
        pivot = augmented[0] / augmented[0, 0]
        rows.append(pivot[1:])
        augmented = augmented[1:, 1:] - augmented[1:, :1] * pivot[None, 1:]
    backwards = [rows[-1][-1]]
    for row in rows[-2::-1]:
        known = sum(entry * value for entry, value in zip(row, reversed(backwards), strict=False))
        backwards.append(row[-1] - known)
    return jnp.stack(backwards[::-1])


def _fit_runs(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Fit B runs side by side, runs last: `wins [A, A, B]`, `start [A, B]`; a run that is done stands still."""
    off_diagonal = wins * (1.0 - jnp.eye(wins.shape[0]))[..., None]
    counts = off_diagonal + jnp.swapaxes(off_diagonal, 0, 1)
    on_diagonal = jnp.eye(wins.shape[0], dtype=bool)[..., None]

    def newton(reward: Any, p: Any, q: Any) -> tuple[Any, Any]:
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
        return reward + damping * direction, certified | (jnp.max(jnp.abs(direction), axis=0) <= tolerance)

    def shared(reward: Any) -> Any:
        # sigmoid(r_a - r_b) = e_a / (e_a + e_b): A exponentials instead of A^2, safe while none underflows.
        return jnp.max(reward, axis=0) - jnp.min(reward, axis=0) <= WIDEST

    def close(carry: Any) -> Any:
        reward, done, steps = carry
        weights = jnp.exp(reward - jnp.max(reward, axis=0))
        scale = 1.0 / (weights[:, None] + weights[None])
        moved, finished = newton(reward, weights[:, None] * scale, weights[None] * scale)
        moves = ~done & shared(reward)
        return jnp.where(moves, moved, reward), done | (moves & finished), steps + 1

    def wide(carry: Any) -> Any:
        reward, done, steps = carry
        difference = reward[:, None] - reward[None]
        moved, finished = newton(reward, jax.nn.sigmoid(difference), jax.nn.sigmoid(-difference))
        return jnp.where(done, reward, moved), done | finished, steps + 1

    carry = (start, jnp.zeros(start.shape[1:], dtype=bool), 0)
    carry = jax.lax.while_loop(lambda c: jnp.any(~c[1] & shared(c[0])) & (c[2] < MAX_STEPS), close, carry)
    reward, done, _ = jax.lax.while_loop(lambda c: jnp.any(~c[1]) & (c[2] < MAX_STEPS), wide, carry)
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


@kernel
def fit_tabular_numba(counts, wins, reward, ridge, weights, factor, direction):
    """Move `reward [A]` in place to the minimiser for `counts` (symmetric, zero diagonal) and `wins [A, A]`.

    `factor [A, A]` is left holding the Hessian's factorisation at the last iterate but one; `weights [A]` and
    `direction [A]` are scratch. Returns whether the stopping rule was met.
    """
    root = math.sqrt(ridge)
    for _ in range(MAX_STEPS):
        tolerance = TOLERANCE * (1.0 + largest_entry(reward))
        shared = exponentials(reward, weights)
        if shared:
            gradient_and_hessian(counts, wins, reward, ridge, weights, factor, direction)
        else:
            gradient_and_hessian_wide(counts, wins, reward, ridge, factor, direction)
        decrement = factorise_and_solve(factor, direction)
        spread = take_step(reward, direction)
        if spread <= tolerance:
            return True
        if spread <= FULL_STEP and CONTRACTION * spread * decrement <= tolerance * root:
            return True
        if spread <= CHORD_STEP and shared:
            shift_exponentials(weights, direction)
            gradient(counts, wins, reward, ridge, weights, direction)
            decrement = solve(factor, direction)
            chord = take_step(reward, direction)
            if chord <= tolerance:
                return True
            if chord <= CHORD_STEP and CHORD_CONTRACTION * (spread + chord) * decrement <= tolerance * root:
                return True
    return False


@kernel
def largest_entry(vector):
    """Return max |v_a|."""
    largest = 0.0
    for a in range(vector.shape[0]):
        largest = max(largest, abs(vector[a]))
    return largest


@kernel
def anticipate_label_numba(reward, factor, first, second, first_won, direction):
    """Take the Newton step of one new label from the optimum before it, in O(A^2).

    There the gradient is the new label's alone, -(y - p)(e_first - e_second), and the Hessian is the factorised one
    plus p (1 - p) of that direction, so Sherman-Morrison needs a single solve. What it leaves is of second order.
    """
    p = 1.0 / (1.0 + math.exp(reward[second] - reward[first]))
    for a in range(reward.shape[0]):
        direction[a] = 0.0
    direction[first] = 1.0
    direction[second] = -1.0
    solve(factor, direction)
    variance = direction[first] - direction[second]
    scale = ((1.0 if first_won else 0.0) - p) / (1.0 + p * (1.0 - p) * variance)
    for a in range(reward.shape[0]):
        direction[a] *= scale
    take_step(reward, direction)


@kernel
def take_step(reward, direction):
    """Add the damped step to `reward`; return its range h before damping."""
    low, high, mean = direction[0], direction[0], 0.0
    for a in range(reward.shape[0]):
        low = min(low, direction[a])
        high = max(high, direction[a])
        mean += direction[a]
    spread = high - low
    damping = 1.0 if spread <= FULL_STEP else math.log1p(spread) / spread
    mean *= damping / reward.shape[0]
    for a in range(reward.shape[0]):
        reward[a] += damping * direction[a] - mean
    return spread


@kernel
def exponentials(reward, weights):
    """Write e^{r_a - max r} into `weights`; return whether none underflows, so that they may stand for rewards.

    Then sigmoid(r_a - r_b) = e_a / (e_a + e_b) costs A exponentials instead of A^2 / 2.
    """
    top, bottom = reward[0], reward[0]
    for a in range(1, reward.shape[0]):
        top = max(top, reward[a])
        bottom = min(bottom, reward[a])
    if top - bottom > WIDEST:
        return False
    for a in range(reward.shape[0]):
        weights[a] = math.exp(reward[a] - top)
    return True


@kernel
def shift_exponentials(weights, step):
    """Multiply `weights` by e^{step_a} for |step_a| <= 1/16, by a polynomial exact to rounding (next term 3e-19)."""
    for a in range(weights.shape[0]):
        x = step[a]
        tail = 1.0 / 720 + x * (1.0 / 5040 + x * (1.0 / 40320 + x * (1.0 / 362880)))
        weights[a] *= 1.0 + x * (
            1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * tail))))
        )


@kernel
def gradient(counts, wins, reward, ridge, weights, direction):
    """Write -g into `direction`; `weights` hold e^{r_a} up to a common factor."""
    for a in range(reward.shape[0]):
        flow = -ridge * reward[a]
        for b in range(a):
            n = counts[a, b]
            if n != 0.0:
                won = wins[a, b]
                residual = (won * weights[b] - (n - won) * weights[a]) / (weights[a] + weights[b])
                flow += residual
                direction[b] -= residual
        direction[a] = flow


@kernel
def gradient_and_hessian(counts, wins, reward, ridge, weights, hessian, direction):
    """Write -g into `direction` and the lower triangle of H into `hessian`; `weights` as in `gradient`.

    One residual per pair, used with both signs, so that rounding cannot create a net flow between blocks of
    responses that were never compared.
    """
    for a in range(reward.shape[0]):
        flow = -ridge * reward[a]
        stiffness = ridge
        for b in range(a):
            n = counts[a, b]
            hessian[a, b] = 0.0
            if n != 0.0:
                scale = 1.0 / (weights[a] + weights[b])
                p, q = weights[a] * scale, weights[b] * scale
                residual = wins[a, b] * q - (n - wins[a, b]) * p
                curvature = n * p * q
                flow += residual
                direction[b] -= residual
                stiffness += curvature
                hessian[b, b] += curvature
                hessian[a, b] = -curvature
        direction[a] = flow
        hessian[a, a] = stiffness


@kernel
def gradient_and_hessian_wide(counts, wins, reward, ridge, hessian, direction):
    """Do the same for rewards so far apart that their exponentials underflow: two exponentials per pair."""
    for a in range(reward.shape[0]):
        direction[a] = -ridge * reward[a]
        hessian[a, a] = ridge
        for b in range(a):
            p = 1.0 / (1.0 + math.exp(reward[b] - reward[a]))
            q = 1.0 / (1.0 + math.exp(reward[a] - reward[b]))
            residual = wins[a, b] * q - (counts[a, b] - wins[a, b]) * p
            curvature = counts[a, b] * p * q
            direction[a] += residual
            direction[b] -= residual
            hessian[a, a] += curvature
            hessian[b, b] += curvature
            hessian[a, b] = -curvature


@kernel
def factorise_and_solve(matrix, vector):
    """Turn the lower triangle of a positive definite H into L D L', and v into H^{-1} v; return sqrt(v' H^{-1} v).

    L ends below the diagonal and 1 / D on it. The forward substitution rides along with the factorisation.
    """
    size = vector.shape[0]
    square = 0.0
    for a in range(size):
        for b in range(a):
            entry = matrix[a, b]
            for c in range(b):
                entry -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = entry  # (L D)_ab, until the row is complete
        pivot = matrix[a, a]
        value = vector[a]
        for b in range(a):
            scaled = matrix[a, b]
            matrix[a, b] = scaled * matrix[b, b]
            pivot -= scaled * matrix[a, b]
            value -= scaled * vector[b]
        matrix[a, a] = 1.0 / pivot
        vector[a] = value * matrix[a, a]
        square += value * vector[a]
    back_substitute(matrix, vector)
    return math.sqrt(square)


@kernel
def solve(factor, vector):
    """Replace v by H^{-1} v, with H factorised; return sqrt(v' H^{-1} v)."""
    size = vector.shape[0]
    square = 0.0
    for a in range(size):  # by columns: the chain of dependent operations is A long, not A^2 / 2
        value = vector[a]
        for b in range(a + 1, size):
            vector[b] -= factor[b, a] * value
        vector[a] = value * factor[a, a]
        square += value * vector[a]
    back_substitute(factor, vector)
    return math.sqrt(square)


@kernel
def back_substitute(factor, vector):
    """Replace v by L'^{-1} v."""
    for a in range(vector.shape[0] - 1, -1, -1):
        value = vector[a]
        for b in range(a):
            vector[b] -= factor[a, b] * value


def fit_tabular(wins: Any, ridge: float) -> np.ndarray:
    """Return the regularised Bradley-Terry rewards `[S, A]` for win counts `wins [S, A, A]`, centred per prompt.

    Raises `SimbenchError` when the solver does not meet its stopping rule.
    """
    from simbench.errors import SimbenchError

    wins = np.array(wins, dtype=np.float64)
    prompts, size = wins.shape[:2]
    rewards = np.zeros((prompts, size))
    for s in range(prompts):
        counts = wins[s] + wins[s].T
        np.fill_diagonal(counts, 0.0)
        scratch = np.empty(size), np.empty((size, size)), np.empty(size)
        if not fit_tabular_numba(counts, wins[s], rewards[s], ridge, *scratch):
            raise SimbenchError(
                f"the Bradley-Terry fit of prompt {s} did not converge in {MAX_STEPS} Newton steps."
            )
    return rewards
