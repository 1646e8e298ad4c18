"""Arrays borrowed for the length of a call.

Numba counts references to every array it takes out of a tuple or slices, with an atomic operation each time; in a round
that costs a few hundred nanoseconds that is a quarter of the time. A kernel whose caller keeps its arrays alive does
not need the counts: `borrow` returns the same named tuple (and those in it) with arrays that own nothing.
"""

from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic


def _stripped(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return `value` of type `kind` with the arrays in it disowned, named tuples inside it included."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.NamedTuple):
        for position, inner in enumerate(kind.types):
            entry = _stripped(context, builder, inner, builder.extract_value(value, position))
            value = builder.insert_value(value, entry, position)
    return value


@intrinsic
def _borrow(typing_context: Any, arrays: Any) -> Any:
    def without_owners(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _stripped(context, builder, arrays, arguments[0])

    return arrays(arrays), without_owners


def _same(arrays: Any) -> Any:
    return arrays


borrow: Any = _same if numba.config.DISABLE_JIT else _borrow  # type: ignore[attr-defined]
