"""An instance: one world and whatever else a statement speaks about, by name.

    x.world          the Bandit
    x.log_policy     a policy, and every further part the claim's domain declares (x.estimate, x.budget, …)

Instances are pytrees, so they are batched by vmap, differentiated by the hunter and interpreted in ball
arithmetic; no part of one is ever rounded on the way from the coordinates that a certificate stores.
"""

from typing import Any

import jax

from simbench.bandit import Bandit
from simbench.bandit.bandit import ARRAY_FIELDS
from simbench.errors import UnknownNameError, nearest


@jax.tree_util.register_pytree_node_class
class Instance:
    """A world and named parts: `Instance(world=…, log_policy=…)`; read them as attributes."""

    def __init__(self, *, world: Any, **parts: Any) -> None:
        self._parts = {"world": world, **parts}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        parts = self._parts
        if name not in parts:
            raise UnknownNameError(f"an instance of this domain has no part '{name}'. {nearest(name, parts)}")
        return parts[name]

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __repr__(self) -> str:
        return f"Instance({', '.join(f'{name}={value!r}' for name, value in self._parts.items())})"

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """Return the parts and their names (what jax needs to look inside)."""
        return tuple(self._parts.values()), tuple(self._parts)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], parts: Any) -> "Instance":
        """Rebuild an instance from its parts (the inverse of `tree_flatten`)."""
        made = object.__new__(cls)
        made._parts = dict(zip(names, parts, strict=True))
        return made


def traced_world(**fields: Any) -> Bandit:
    """Return a Bandit of these fields without validating it: under a transformation there are no numbers.

    Fields as in `Bandit`; `reward_bound` defaults to 1. A domain guarantees by construction what `Bandit`
    checks.
    """
    unknown = set(fields) - set(ARRAY_FIELDS)
    if unknown:
        name = sorted(unknown)[0]
        raise UnknownNameError(f"a world has no field '{name}'. {nearest(name, ARRAY_FIELDS)}")
    fields.setdefault("reward_bound", 1.0)
    world = object.__new__(Bandit)
    for name in ARRAY_FIELDS:
        object.__setattr__(world, name, fields.get(name))
    return world
