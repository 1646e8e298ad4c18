"""Whose twin a numba form is: it stands for the JAX methods that it was written beside, and for no override of them.

A class that overrides one of these methods inherits a twin that knows nothing of the change: a sampler derived from
`Own`, say, would be played by numba as `Own`. The twin is then taken away, and the class runs on JAX, until the
class, or one derived from it, brings its own.
"""

from typing import Any, ClassVar


class Twinned:
    """Base of what may have a numba twin, the attribute `twin`, of the JAX methods `twinned`."""

    twin: ClassVar[str]
    twinned: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Replace a twin that is older than a method it stands for by the one that means "JAX only"."""
        super().__init_subclass__(**arguments)
        if any(_age(cls, name) < _age(cls, cls.twin) for name in cls.twinned):
            # The root's: a method that returns None, or None itself.
            setattr(
                cls, cls.twin, next(k.__dict__[cls.twin] for k in reversed(cls.__mro__) if _has(k, cls.twin))
            )


def _has(cls: type, name: str) -> bool:
    return name in cls.__dict__


def _age(cls: type, name: str) -> int:
    """Return how many classes up `name` is defined."""
    return next(age for age, ancestor in enumerate(cls.__mro__) if _has(ancestor, name))
