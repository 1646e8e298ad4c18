"""DPO by stochastic gradients: the loss in policy logits, descended over a data set that was drawn beforehand.

    data          label k < n:   s ~ rho_train,   a, b ~ ref(.|s),   the preferred one is w_k, the other l_k
    loss          - log sigma(beta (log pi/ref(w_k|s_k) - log pi/ref(l_k|s_k))),          pi = softmax(theta)
    step i        theta_{i+1} = theta_i - eta (mean gradient over labels i B, ..., i B + B - 1, modulo n)
    start         theta_0 = log ref

With n >= steps x B labels it passes once over the data, and every step sees fresh labels; with fewer it passes many
times, and ends at the data's own minimum, which is not the population's and, where responses never lose, is nowhere:
the logits then drift for as long as there are steps.

Labels are not kept: label k is read from the tape at (k, slot), in the slots of round k of the loop over rounds. One
pass and many therefore begin alike, bit by bit, until the smaller data set has been read. Since softmax's normaliser
cancels in the margin, the gradient of a label touches two logits.

Source: rafailov2023 (DPO), arXiv 2305.18290.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from simbench.bandit import Bandit, prompt_weights
from simbench.errors import SimbenchError
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import LABEL, PROMPT, RESPONSE_1, RESPONSE_2, ROUND_SLOTS, choose_jax, uniforms_jax

MOST_LABELS = 2**32  # the tape counts labels in 32 bits


class Pairs(NamedTuple):
    """Labels `[B]`: prompt, preferred response, the other one."""

    prompt: Any
    winner: Any
    loser: Any


class GradientState(NamedTuple):
    """Policy logits `[S, A]`, and what the optimiser keeps."""

    logits: Any
    optimiser: Any


@register("learner", "dpo_gradient")
@parameters
class DPOGradient(IterativeMethod[GradientState]):
    """Stochastic gradient descent on DPO's loss; `rounds` are steps, and all labels are paid before the first.

    Args:
        data: n, labels in the data set; with n >= steps x batch every label is used once at most.
        batch: B, labels of one step.
        step_size: eta, logits per unit of gradient (1 / nats of loss).
        average: whether the mean policy over steps is measured too.
    """

    data: Count = 1000
    batch: Count = 8
    step_size: Positive = 1.0
    average: bool = False

    def __post_init__(self) -> None:
        """Refuse a data set that is smaller than one step's batch, or too large for the tape."""
        if not self.batch <= self.data <= MOST_LABELS:
            raise SimbenchError(
                f"data is {self.data} and batch {self.batch}; data must be at least batch and at most {MOST_LABELS}."
            )

    @property
    def averages(self) -> bool:
        """As the parameter says."""
        return self.average

    def labels(self, steps: int) -> int:
        """All of the data set, before the first step."""
        return self.data

    def init(self, world: Bandit, key: tuple[Any, Any]) -> GradientState:
        """The reference's logits."""
        logits = jnp.asarray(world.log_ref)
        return GradientState(logits, self._optimiser().init(logits))

    def step(self, state: GradientState, world: Bandit, key: tuple[Any, Any], i: Any) -> GradientState:
        """Descend the mean loss of the next B labels."""
        pairs = labelled(world, key, (i * self.batch + jnp.arange(self.batch)) % self.data)
        slope = jax.grad(pair_loss)(state.logits, world, pairs)
        update, optimiser = self._optimiser().update(slope, state.optimiser)
        return GradientState(optax.apply_updates(state.logits, update), optimiser)

    def policy(self, state: GradientState, world: Bandit) -> Any:
        """softmax(theta)."""
        return jax.nn.log_softmax(state.logits, axis=-1)

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.sgd(self.step_size)


def labelled(world: Bandit, key: tuple[Any, Any], numbers: Any) -> Pairs:
    """Return labels number `numbers [B]` of the run with tape `key`: pairs of the reference, and who was preferred."""
    rounds = numbers.astype(jnp.uint32)[:, None]
    u = uniforms_jax(key[0], key[1], rounds, jnp.arange(ROUND_SLOTS, dtype=jnp.uint32))
    ref, weights = jnp.exp(world.log_ref), prompt_weights(world)

    def one(uniforms: Any) -> Pairs:
        s = choose_jax(weights, uniforms[PROMPT])
        a, b = choose_jax(ref[s], uniforms[RESPONSE_1]), choose_jax(ref[s], uniforms[RESPONSE_2])
        known = None if world.prefs is None else world.prefs[s, a, b]
        won = uniforms[LABEL] < (
            jax.nn.sigmoid(world.reward[s, a] - world.reward[s, b]) if known is None else known
        )
        return Pairs(s, jnp.where(won, a, b), jnp.where(won, b, a))

    return jax.vmap(one)(u)


def pair_loss(logits: Any, world: Bandit, pairs: Pairs) -> Any:
    """Return the mean over pairs of -log sigma(beta (h_w - h_l)), h = log pi/ref up to a constant per prompt."""
    tilt = [
        logits[pairs.prompt, one] - world.log_ref[pairs.prompt, one] for one in (pairs.winner, pairs.loser)
    ]
    margin = tilt[0] - tilt[1]
    return jnp.mean(jax.nn.softplus(-world.beta * margin))
