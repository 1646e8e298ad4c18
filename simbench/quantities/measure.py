"""Measure policies: the one place where names become numbers.

`measured.MEASURED` lists every quantity of a (world, policy) pair. `measure` is for users: NumPy in, NumPy out,
everything validated. `measure_batch` is for engines: a batch of policies, compiled once per shapes and
names, called inside `simbench.float64()`.
"""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from simbench.bandit import Bandit, require_log_policy
from simbench.compiling import quickly
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64, require_float64, to_numpy
from simbench.quantities.measured import MEASURED

# From here on measuring is compiled for speed: it takes 0.4 s longer to compile, and 20 ms less each time.
MANY_CELLS = 2**15


def measure(bandit: Bandit, log_policy: Any, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Measure one policy or many: `{name: array}` with the leading axes of `log_policy`.

    Args:
        bandit: the world.
        log_policy: `[S, A]` or `[..., S, A]` float64 log-policies; leading axes are a batch.
        names: names from `MEASURED`; None means all that exist in this world.

    Raises:
        UnknownNameError: a name that is not in `MEASURED`; the message offers the nearest.
        SimbenchError: a quantity that needs a reward, in a world without one.
        Float32Error: `log_policy` carries fewer than 64 bits.
        SimbenchError: a wrong shape, NaN, or rows that are no distributions.
    """
    if not isinstance(bandit, Bandit):
        raise SimbenchError(f"measure needs a Bandit as its first argument, not {type(bandit).__name__}.")
    if hasattr(log_policy, "dtype"):
        with float64():
            require_float64(log_policy)
    policies = require_log_policy(bandit, log_policy)
    chosen = measured_in(bandit) if names is None else measured_names(names)
    require_measurable(bandit, chosen)
    batch = policies.reshape(-1, bandit.prompts, bandit.responses)
    with float64():
        columns = to_numpy(measure_batch(bandit, batch, chosen))
    return {name: columns[name].reshape(policies.shape[:-2]) for name in chosen}


def measure_batch(bandit: Bandit, log_policies: Any, names: tuple[str, ...]) -> dict[str, jax.Array]:
    """Measure a batch inside `float64()`: `{name: [B]}`, compiled once per shapes and names, unvalidated.

    Args:
        bandit: the world, shared by the batch.
        log_policies: `[B, S, A]` log-policies.
        names: a tuple of names from `MEASURED`.

    Raises:
        UnknownNameError: a name that is not in `MEASURED`.
        Float32Error: called outside `float64()`.
    """
    return measure_batches(bandit, (log_policies,), (names,))[0]


def measure_batches(
    bandit: Bandit, batches: tuple[Any, ...], names: tuple[tuple[str, ...], ...]
) -> tuple[dict[str, jax.Array], ...]:
    """Measure several batches as `measure_batch` does one, each by its own names, compiled together."""
    cells = sum(int(np.size(batch)) for batch in batches)
    compiled = _measured_quickly if cells < MANY_CELLS else _measured_fast
    columns: tuple[dict[str, jax.Array], ...] = compiled(without_givens(bandit), batches, names)
    return columns


def _measure_batches(
    bandit: Bandit, batches: tuple[jax.Array, ...], names: tuple[tuple[str, ...], ...]
) -> tuple[dict[str, jax.Array], ...]:
    def measured(log_policies: jax.Array, chosen: tuple[str, ...]) -> dict[str, jax.Array]:
        return jax.vmap(
            lambda log_policy: {name: MEASURED[name].function(bandit, log_policy) for name in chosen}
        )(log_policies)

    return tuple(
        measured(batch, measured_names(chosen)) for batch, chosen in zip(batches, names, strict=True)
    )


_measured_quickly = quickly(_measure_batches, static=(2,))
_measured_fast = jax.jit(_measure_batches, static_argnums=(2,))


def without_givens(bandit: Bandit) -> Bandit:
    """Return the world without what learners are given, which no quantity of a policy reads.

    Then worlds with any number of sources, say, share what is compiled.
    """
    return bandit.replace(features=None, sources=None, reward_class=None, train_rho=None)


def measured_in(bandit: Bandit) -> tuple[str, ...]:
    """Return the names of all quantities that exist in a world: without a reward, those that need none."""
    return tuple(name for name, row in MEASURED.items() if bandit.reward is not None or not row.needs_reward)


def require_measurable(bandit: Bandit, names: Iterable[str]) -> None:
    """Raise `SimbenchError` for a quantity among `names` that needs a reward, if the world has none."""
    for name in names:
        if MEASURED[name].needs_reward:
            bandit.rewarded(name)


def measured_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` as a tuple; raise `UnknownNameError` for one that is not in `MEASURED`.

    Args:
        names: names of quantities, not one bare string.
    """
    if isinstance(names, str):
        raise SimbenchError(f"names is the string '{names}'; give a list of names, such as ['{names}'].")
    chosen = tuple(names)
    for name in chosen:
        if name not in MEASURED:
            raise UnknownNameError(f"'{name}' is not a measured quantity. {nearest(str(name), MEASURED)}")
    return chosen
