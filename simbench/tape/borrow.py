"""Arrays borrowed for the length of a call.

Numba counts references to every array it takes out of a tuple or slices, with an atomic operation each time; in a round
that costs a few hundred nanoseconds that is a quarter of the time. A kernel whose caller keeps its arrays alive does
not need the counts: `borrow` returns the same named tuple with arrays that own nothing.
"""

from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def _borrow(typing_context: Any, arrays: Any) -> Any:
    def without_owners(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (bundle,) = arguments
        for position, kind in enumerate(arrays.types):
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(
                    context, builder, value=builder.extract_value(bundle, position)
                )
                array.meminfo = cgutils.get_null_value(array.meminfo.type)
                array.parent = cgutils.get_null_value(array.parent.type)
                bundle = builder.insert_value(bundle, array._getvalue(), position)
        return bundle

    return arrays(arrays), without_owners


def _same(arrays: Any) -> Any:
    return arrays


borrow: Any = _same if numba.config.DISABLE_JIT else _borrow  # type: ignore[attr-defined]
