"""The worst reward of an ellipsoid, and the policy that is best against it.

    V_pes = max over all pi  <thetahat, x_pi> - bet ||x_pi||_{V^-1} - beta KL(pi || ref),    x_pi = E_pi phi - E_ref phi
          = min over ||theta - thetahat||_V <= bet of  F(theta) = beta E_rho log Z_theta - <theta, E_ref phi>

For a fixed theta the policy G(phi theta) is best and worth F(theta); max and min swap, F being convex. F >= 0, and
F = 0 only where G(phi theta) = ref. pi_OFF = G(phi theta_min).

**Coordinates.** The parameters come in G groups with a block of V each, so that the tabular class, a group per prompt,
never sees a matrix of side S A; the linear class is one group. With psi = phi - E_ref phi(s, .), zero on cells that
never occur (rho ref = 0), and C an orthonormal basis of its span, F depends on c = C' theta alone, and the shortest way
to it is

    min over theta with C' theta = c of ||theta - thetahat||_V = ||K^{-1} (c - C' thetahat)||,     K K' = C' V^{-1} C

so F is minimised over c = C' thetahat + K y, ||y|| <= bet; theta = thetahat + V^{-1} C K'^{-1} y. Columns of C beyond
its rank are zero and get a 1 on the diagonal of K K': shapes do not depend on the rank.

**Solution.** If ||K^{-1} C' thetahat|| <= bet then c = 0 can be reached: pi_OFF = ref, V_pes = 0. Otherwise

    y(mu) = argmin F + (mu/2) ||y||^2,     ||y(mu)|| = bet,      0 < mu <= max ||grad F|| / bet

(||y(mu)|| falls in mu, and mu y(mu) = -grad F(y(mu))). Given mu, Newton steps d, group by group; with h the largest
range of psi K d / beta over a prompt's responses, the Hessian of F changes by a factor of at most e^{+-h} along d, as
in fitting/bradley_terry.py: full steps for h <= 1/4, log1p(h)/h else, or a longer one that decreases the objective.
Once one is below 1e-12, relative to 1 + |y|, or the slope is rounding, y(mu) is found, and mu takes a Newton step on
1 / ||y||, nearly linear in mu [more1983], inside a bracket that is halved (in log mu) where the step leaves it; y
follows the tangent of mu -> y(mu). The search ends at a step below 1e-12 mu; it is capped, and says so.
Source: xiong2023, Algorithm 1; the solution: simbench.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.learners.fitting.bradley_terry import FULL_STEP, TOLERANCE
from simbench.learners.parts.cholesky import backward, factorise, forward, solve

RANK = 1e-10  # singular values below this times the largest are zero
ROUNDING = 1e-15  # of a slope, relative to the terms in it
JITTER = 1e-15  # keeps a Hessian definite where mu is rounding beside its trace
LENGTHS = (0.0, 1.0, 0.25, 0.0625)  # longer steps are tried before the guaranteed length
ARMIJO = 1e-4  # share of the promised decrease that a longer step must keep
MAX_PASSES = 2000  # Newton steps for y, of all multipliers
HALVING_AFTER = 20  # multipliers by Newton's method before the bracket is halved regardless
LARGEST_DROP = 1e-3  # of the multiplier at once, while it has no lower bound
LEAST_MULTIPLIER = 1e-30  # relative to its upper bound: c is 0 up to rounding


class Groups(NamedTuple):
    """A class of rewards r = phi theta, group by group: phi `[G, P, A, k]`, rho `[G, P]`, log ref `[G, P, A]`, beta."""

    features: Any
    rho: Any
    log_ref: Any
    beta: Any


class Worst(NamedTuple):
    """theta_min `[G, k]`, F there (reward units), whether it is ref's, and whether the stopping rules were met."""

    theta: Any
    value: Any
    is_reference: Any
    solved: Any


class _Potential(NamedTuple):
    """F of y: logits `[G, P, A]` at 0, psi K `[G, P, A, m]`, weights; the steepest slope, its rounding `[G, m]`."""

    base: Any
    slopes: Any
    rho: Any
    beta: Any
    steepest: Any
    noise: Any


def worst_reward(groups: Groups, theta: Any, factor: Any, radius: Any) -> Worst:
    """Return the minimum of F over the ellipsoid of `radius` around theta; V = factor' factor, upper triangular."""
    psi, basis = occurring(groups)
    spread = solve(factor, basis)  # V^{-1} C
    missing = 1.0 - jnp.sum(basis**2, axis=1)  # 1 for a column of zeros
    gram = jnp.swapaxes(basis, 1, 2) @ spread
    idle = jax.vmap(jnp.diag)(jnp.where(missing > 0.5, 1.0, 0.0))
    root = factorise((gram + jnp.swapaxes(gram, 1, 2)) / 2.0 + idle)
    centre = jnp.einsum("gkm,gk->gm", basis, theta)
    to_ref = forward(root, centre[..., None])[..., 0]
    reachable = jnp.sqrt(jnp.sum(to_ref**2)) <= radius

    slopes = psi @ (basis @ jnp.swapaxes(root, 1, 2))[:, None]
    shift = jnp.einsum("gpak,gk->gpa", psi, theta) / groups.beta
    size = jnp.einsum("gp,gpm->gm", groups.rho, jnp.max(jnp.abs(slopes), axis=2))
    potential = _Potential(
        base=groups.log_ref + shift,
        slopes=slopes,
        rho=groups.rho,
        beta=groups.beta,
        steepest=size,
        noise=ROUNDING * (1.0 + jnp.max(jnp.abs(shift))) * size,
    )
    y, value, solved = _on_the_sphere(potential, radius, ~reachable & (radius > 0.0))
    y = jnp.where(reachable, -to_ref, y)
    move = backward(root, y[..., None])
    return Worst(
        theta=theta + (spread @ move)[..., 0],
        value=jnp.where(reachable, 0.0, value),
        is_reference=reachable,
        solved=solved,
    )


def occurring(groups: Groups) -> tuple[Any, Any]:
    """Return psi `[G, P, A, k]`, zero on cells that never occur, and an orthonormal basis C `[G, k, m]` of its span."""
    ref = jnp.exp(groups.log_ref)
    psi = groups.features - jnp.einsum("gpa,gpak->gpk", ref, groups.features)[:, :, None]
    psi = jnp.where(((groups.rho[..., None] > 0) & (ref > 0))[..., None], psi, 0.0)
    rows = psi.reshape(psi.shape[0], -1, psi.shape[-1])
    _, singular, directions = jnp.linalg.svd(rows, full_matrices=False)
    kept = singular > RANK * jnp.max(singular, axis=1, keepdims=True)
    return psi, jnp.swapaxes(jnp.where(kept[..., None], directions, 0.0), 1, 2)


def _values(potential: _Potential, logits: Any) -> Any:
    """Return what each group contributes to F `[..., G]`, from logits `[..., G, P, A]`."""
    log_z = jax.scipy.special.logsumexp(logits, axis=-1)
    return potential.beta * jnp.sum(potential.rho * log_z, axis=-1)


class _Search(NamedTuple):
    """y `[G, m]` and F there; the multiplier and its bracket; multipliers and steps so far; whether it has ended."""

    y: Any
    value: Any
    mu: Any
    low: Any
    high: Any
    tried: Any
    passes: Any
    done: Any


def _on_the_sphere(potential: _Potential, radius: Any, needed: Any) -> tuple[Any, Any, Any]:
    """Return y `[G, m]` of length `radius` where F is least, F, and whether it was found; y = 0 unless `needed`."""
    radius = jnp.where(needed, radius, 1.0)
    highest = jnp.sqrt(jnp.sum(potential.steepest**2)) / radius

    def one_step(search: _Search) -> _Search:
        y, mu = search.y, search.mu
        logits = potential.base + jnp.einsum("gpam,gm->gpa", potential.slopes, y) / potential.beta
        policy = jax.nn.softmax(logits, axis=-1)
        mean = jnp.einsum("gpa,gpam->gpm", policy, potential.slopes)
        around = potential.slopes - mean[:, :, None]
        weight = potential.rho[..., None] * policy / potential.beta
        hessian = jnp.einsum("gpai,gpaj->gij", around * weight[..., None], around)
        trace = jnp.trace(hessian, axis1=1, axis2=2)[:, None, None]
        hessian = hessian + (mu + JITTER * trace) * jnp.eye(y.shape[1])
        gradient = jnp.einsum("gp,gpm->gm", potential.rho, mean) + mu * y
        solved = solve(factorise(hessian), jnp.stack([-gradient, -y], axis=2))
        direction, tangent = solved[..., 0], solved[..., 1]  # tangent = dy / dmu at a minimum

        change = jnp.einsum("gpam,gm->gpa", potential.slopes, direction) / potential.beta
        h = jnp.max(jnp.max(change, axis=2) - jnp.min(change, axis=2), axis=1)
        damped = h > FULL_STEP
        guaranteed = jnp.where(damped, jnp.log1p(h) / jnp.where(damped, h, 1.0), 1.0)
        lengths = jnp.asarray(LENGTHS)[:, None]
        values = _values(potential, logits + lengths[..., None, None] * change)
        squares = jnp.sum((y + lengths[..., None] * direction) ** 2, axis=2)
        promised = ARMIJO * lengths * jnp.sum(gradient * direction, axis=1)
        objective = values + 0.5 * mu * squares
        longer = jnp.max(jnp.where(objective <= objective[0] + promised, lengths, 0.0), axis=0)
        length = jnp.where(damped, jnp.maximum(longer, guaranteed), 1.0)

        small = jnp.max(jnp.abs(direction)) <= TOLERANCE * (1.0 + jnp.max(jnp.abs(y)))
        drowned = jnp.all(jnp.abs(gradient) <= potential.noise + ROUNDING * mu * jnp.abs(y))
        found = small | drowned
        square = jnp.sum(squares[0])
        newton = (jnp.sqrt(square) / radius - 1.0) * square / -jnp.sum(y * tangent)
        closer = _next_multiplier(search, newton, jnp.sqrt(square) > radius, highest)
        step = jnp.where(found, (closer.mu - mu) * tangent, length[:, None] * direction)
        later = jax.tree.map(lambda new, old: jnp.where(found, new, old), closer, search)
        return later._replace(
            y=jnp.where(later.done, y, y + step), value=jnp.sum(values[0]), passes=search.passes + 1
        )

    search = _Search(
        y=jnp.zeros_like(potential.steepest),
        value=jnp.sum(_values(potential, potential.base)),
        mu=highest,
        low=jnp.zeros_like(highest),
        high=highest * (1.0 + 1e-9),  # at `highest` itself y may be too long by rounding
        tried=0,
        passes=0,
        done=~needed,
    )
    search = jax.lax.while_loop(lambda s: ~s.done & (s.passes < MAX_PASSES), one_step, search)
    return search.y, search.value, search.done


def _next_multiplier(search: _Search, newton: Any, too_long: Any, highest: Any) -> _Search:
    """Return the search with the bracket narrowed at mu, and the next mu, or the end of the search."""
    mu = search.mu
    low, high = jnp.where(too_long, mu, search.low), jnp.where(too_long, search.high, mu)
    middle = jnp.where(low > 0.0, jnp.sqrt(low) * jnp.sqrt(high), LARGEST_DROP * high)
    inside = (mu + newton > jnp.maximum(low, LARGEST_DROP * mu)) & (mu + newton < high)
    settled = (jnp.abs(newton) <= TOLERANCE * mu) | (high - low <= TOLERANCE * high)
    return search._replace(
        mu=jnp.where(inside & (search.tried < HALVING_AFTER), mu + newton, middle),
        low=low,
        high=high,
        tried=search.tried + 1,
        done=settled | (mu < LEAST_MULTIPLIER * highest),
    )
