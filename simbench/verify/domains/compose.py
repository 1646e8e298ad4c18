"""Domains put together: worlds with named parts, and one-function families.

Worlds(...)                                                    a world alone
Instances(Worlds(ratio=(2, 20)), log_policy=Gibbs(), budget=Scalar(.01, 2))    x.world, x.log_policy, x.budget

@family(log_tail=(-50, -2), ratio=(2, 20))                     a named tight family, or any domain of few
numbers def rare_best_arm(log_tail, ratio): ... return Instance(world=..., log_policy=...)
"""

import inspect
from collections.abc import Callable
from typing import Any

from simbench.errors import SimbenchError
from simbench.verify.domains.cube import Blocks, Domain, Shape
from simbench.verify.domains.parts import Part
from simbench.verify.domains.worlds import Worlds, interval
from simbench.verify.instance import Instance


class Instances(Domain):
    """Worlds with named parts; `Instances(log_policy=Gibbs())` ranges over the default `Worlds()`."""

    def __init__(self, worlds: Worlds | None = None, /, **parts: Part) -> None:
        for name, part in parts.items():
            if not isinstance(part, Part):
                raise SimbenchError(
                    f"part '{name}' of a domain is {part!r}; it must be a Part such as Gibbs() or Reward()."
                )
            if name == "world":
                raise SimbenchError("a part cannot be called 'world': that is the bandit itself.")
        self.worlds = worlds or Worlds()
        self.parts = dict(parts)
        self.shapes = self.worlds.shapes

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return the world's blocks, then each part's as `part.block`."""
        blocks = self.worlds.coordinates(shape)
        for name, part in self.parts.items():
            blocks |= {f"{name}.{block}": size for block, size in part.coordinates(shape).items()}
        return blocks

    def build(self, shape: Shape, blocks: Blocks) -> Instance:
        """Return the world at these coordinates with its parts built in it."""
        world = self.worlds.world(shape, blocks)
        built = {}
        for name, part in self.parts.items():
            own = {block: blocks[f"{name}.{block}"] for block in part.coordinates(shape)}
            built[name] = part.build(world, own)
        return Instance(world=world, **built)

    def __repr__(self) -> str:
        parts = "".join(f", {name}={part!r}" for name, part in self.parts.items())
        return f"Instances({self.worlds!r}{parts})"


class Family(Domain):
    """A domain given by one function of boxed numbers or arrays; made by `family`."""

    def __init__(
        self, function: Callable[..., Instance], boxes: dict[str, tuple[float, float, Shape]]
    ) -> None:
        self.function = function
        self.boxes = boxes
        self.__doc__ = function.__doc__

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return one block per parameter of the function."""
        return {name: size for name, (_, _, size) in self.boxes.items()}

    def build(self, shape: Shape, blocks: Blocks) -> Instance:
        """Call the function at `low + (high - low) u` for each parameter."""
        return self.function(
            **{name: low + (high - low) * blocks[name] for name, (low, high, _) in self.boxes.items()}
        )

    def __repr__(self) -> str:
        boxes = ", ".join(f"{name}={box}" for name, box in self.boxes.items())
        return f"family {self.name}({boxes}) {_source(self.function)}"


def family(**boxes: Any) -> Callable[[Callable[..., Instance]], Family]:
    """Decorate a pure jax.numpy function of boxed parameters that returns an `Instance`: it becomes a domain.

    Each box is (low, high) for a number or (low, high, shape) for an array; the function must name exactly
    these.
    """
    full = {}
    for name, box in boxes.items():
        low, high, *rest = box
        interval(f"family box '{name}'", (low, high))
        full[name] = (float(low), float(high), tuple(rest[0]) if rest else ())

    def make(function: Callable[..., Instance]) -> Family:
        named = list(inspect.signature(function).parameters)
        if set(named) != set(full):
            raise SimbenchError(
                f"family '{function.__name__}' takes {named} but boxes are given for {sorted(full)}; "
                "they must agree."
            )
        return Family(function, {name: full[name] for name in named})

    return make


def _source(function: Callable[..., Any]) -> str:
    """Return the function's source text (its bytecode where there is none): a certificate notices an edit."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return function.__code__.co_code.hex()
