"""What a learner hands over, checked where it enters an engine.

Kinds, shapes and types are checked when a learner's methods are traced, before any round is played. The numbers of a
policy are checked where they are used, inside the loop: every row that is drawn from and every row that is charged
must be logarithms of probabilities,

    | sum_a exp(row[a]) - 1 |  <=  1e-9,

which NaN, probabilities in place of their logarithms, and logarithms of anything else fail. A run remembers the first
row that fails (`Fault`), and the engine refuses the learner at the next checkpoint, in one sentence.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.bandit.validation import SUM_TOLERANCE
from simbench.errors import SimbenchError

SLOT_1, SLOT_2, CHARGED, DEPLOYED = range(4)
WHAT = (
    "the policy of slot 1 from act",
    "the policy of slot 2 from act",
    "what policy returns",
    "what deployed returns",
)
EXPECTED = "logarithms of probabilities, finite or -inf, that sum to 1 to 1e-9 at every prompt"


class Fault(NamedTuple):
    """The first row of a run that was no log-distribution."""

    round: Any  # int64, counted from 0; NEVER if there was none
    what: Any  # int32, which of WHAT
    prompt: Any  # int32
    total: Any  # what its exponentials sum to


NEVER = -1


def no_fault() -> Fault:
    """Return the record of a run that has not failed."""
    return Fault(
        jnp.asarray(NEVER, jnp.int64), jnp.asarray(0, jnp.int32), jnp.asarray(0, jnp.int32), jnp.asarray(1.0)
    )


def first_fault(before: Fault, t: Any, what: Any, prompt: Any, total: Any) -> Fault:
    """Return the record after a row of round t at `prompt` summed to `total`."""
    news = (before.round == NEVER) & ~(jnp.abs(total - 1.0) <= SUM_TOLERANCE)  # of NaN too
    now = (jnp.asarray(t, jnp.int64), jnp.asarray(what, jnp.int32), jnp.asarray(prompt, jnp.int32), total)
    return Fault(*(jnp.where(news, new, old) for new, old in zip(now, before, strict=True)))


def worst_row(totals: Any) -> tuple[Any, Any]:
    """Return the first prompt whose row sums `totals [S]` are not 1, and its sum; prompt 0 if all are."""
    prompt = jnp.argmax(~(jnp.abs(totals - 1.0) <= SUM_TOLERANCE))
    return prompt, totals[prompt]


def refuse_fault(learner: Any, fault: Fault) -> None:
    """Raise `SimbenchError` if a run of a block, whose faults have a leading axis, met one."""
    rounds = np.asarray(fault.round)
    if (rounds == NEVER).all():
        return
    run = int(np.where(rounds == NEVER, np.iinfo(np.int64).max, rounds).argmin())
    what, prompt, total = (np.asarray(field)[run] for field in (fault.what, fault.prompt, fault.total))
    time = "after" if what == CHARGED else "in"
    raise _no_policy(learner, int(what), f"{time} round {rounds[run] + 1}", int(prompt), float(total))


def require_policies(
    learner: Any, policies: np.ndarray, what: int, when: str, *, log: bool = True
) -> np.ndarray:
    """Return `policies [..., S, A]`, logarithms or (`log=False`) probabilities; raise unless rows sum to 1."""
    with np.errstate(over="ignore"):
        totals = (np.exp(policies) if log else policies).sum(axis=-1)
    bad = ~(np.abs(totals - 1.0) <= SUM_TOLERANCE)
    if bad.any():
        index = tuple(np.argwhere(bad)[0])
        raise _no_policy(learner, what, when, int(index[-1]), float(totals[index]))
    return policies


def _no_policy(learner: Any, what: int, when: str, prompt: int, total: float) -> SimbenchError:
    return SimbenchError(
        f"{type(learner).__name__}: {when}, {WHAT[what]} has exponentials that sum to {total:.9g} at prompt {prompt}; "
        f"it must be {EXPECTED}."
    )


def acted(learner: Any, state: Any, world: Bandit) -> tuple[Any, Any]:
    """Return `learner.act(state, world)`; raise unless it is a pair of arrays `[S, A]`."""
    pair = learner.act(state, world)
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        given = (
            f"a {type(pair).__name__} of {len(pair)}" if isinstance(pair, tuple | list) else _described(pair)
        )
        raise SimbenchError(
            f"{type(learner).__name__}: act returns {given}; it must return two log-policies {_cells(world)}, "
            "for slot 1 and slot 2."
        )
    first, second = pair
    return _log_policy(learner, first, world, SLOT_1), _log_policy(learner, second, world, SLOT_2)


def charged(learner: Any, state: Any, world: Bandit) -> Any:
    """Return `learner.policy(state, world)`; raise unless it is an array `[S, A]`."""
    return _log_policy(learner, learner.policy(state, world), world, CHARGED)


def handed_out(learner: Any, state: Any, world: Bandit) -> Any:
    """Return `learner.deployed(state, world)`; raise unless it is an array `[S, A]`."""
    return _log_policy(learner, learner.deployed(state, world), world, DEPLOYED)


def diagnosed(learner: Any, state: Any, names: Any) -> dict[str, Any]:
    """Return `learner.diagnose(state)` under `names`, as float64; raise for one that is missing or no number."""
    given = learner.diagnose(state)
    numbers = {}
    for name in names:
        if name not in given:
            raise SimbenchError(
                f"{type(learner).__name__}: diagnose has no '{name}'; it must return a number for each declared "
                f"diagnostic: {', '.join(names)}."
            )
        if jnp.shape(given[name]) != ():
            raise SimbenchError(
                f"{type(learner).__name__}: the diagnostic '{name}' has shape {jnp.shape(given[name])}; "
                "it must be one number."
            )
        numbers[name] = jnp.asarray(given[name], dtype=jnp.float64)
    return numbers


def arrays(learner: Any, state: Any, method: str) -> Any:
    """Return the state that `method` made as arrays; raise for a leaf that is none."""
    for path, leaf in jax.tree.flatten_with_path(state)[0]:
        if not isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float):
            raise SimbenchError(
                f"{type(learner).__name__}: the state{jax.tree_util.keystr(path)} that {method} returns is "
                f"{_described(leaf)}; a state is a pytree of arrays and numbers."
            )
    return jax.tree.map(jnp.asarray, state)


def same_state(learner: Any, before: Any, after: Any, method: str = "observe") -> Any:
    """Return `after` as arrays; raise unless it has the tree, the shapes and the types of `before`."""
    after = arrays(learner, after, method)
    tree: Any = jax.tree.structure(before)
    if tree != jax.tree.structure(after):
        raise SimbenchError(
            f"{type(learner).__name__}: {method} returns a state of another structure than init; "
            "a state keeps its fields, its shapes and its types."
        )
    old, new = (jax.tree.leaves_with_path(state) for state in (before, after))
    for (path, one), (_, two) in zip(old, new, strict=True):
        if (jnp.shape(one), jnp.asarray(one).dtype) != (two.shape, two.dtype):
            raise SimbenchError(
                f"{type(learner).__name__}: {method} changes the state{jax.tree_util.keystr(path)} from "
                f"{_described(one)} to {_described(two)}; a state keeps its shapes and types from init on."
            )
    return after


def _log_policy(learner: Any, log_policy: Any, world: Bandit, what: int) -> Any:
    shape, dtype = getattr(log_policy, "shape", None), getattr(log_policy, "dtype", None)
    if shape != world.log_ref.shape or dtype != jnp.float64:
        raise SimbenchError(
            f"{type(learner).__name__}: {WHAT[what]} is {_described(log_policy)}; "
            f"it must be a float64 log-policy {_cells(world)}."
        )
    return jnp.asarray(log_policy)


def _cells(world: Bandit) -> str:
    return f"[S, A] = {list(world.log_ref.shape)}"


def _described(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"one {value.dtype} array of shape {value.shape}"
    return f"a {type(value).__name__}"
