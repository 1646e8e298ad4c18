"""Calls, branches and loops. A loop must be decided by integers or by comparisons that the balls settle."""

from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.ball import named
from simbench.verify.ball.interpreter import Undecided, Value, exact, rule, run

LONGEST_LOOP = 10_000  # turns; a search that needs more should enter by an enclosed root (`named.py`)


@rule("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2")
def _call(equation: Any, *operands: Value) -> list[Value]:
    inner = next(
        equation.params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in equation.params
    )
    better = named.enclosure_of(equation, inner)
    if better is not None:
        return better(*operands)
    if hasattr(inner, "consts"):
        return run(inner.jaxpr, [exact(value) for value in inner.consts], operands)
    return run(inner, [], operands)


@rule("cond")
def _branch(equation: Any, which: Value, *operands: Value) -> list[Value]:
    chosen = which.item()
    if chosen is None:
        raise Undecided("a branch hangs on a comparison")
    branches = equation.params["branches"]
    branch = branches[min(max(int(chosen), 0), len(branches) - 1)]
    return run(branch.jaxpr, [exact(value) for value in branch.consts], operands)


@rule("platform_index")
def _platform(equation: Any) -> Value:
    """Return the branch that a CPU would take."""
    for index, platforms in enumerate(equation.params["platforms"]):
        if platforms is None or "cpu" in platforms:
            return exact(np.asarray(index, dtype=np.int32))
    raise SimbenchError("a claim's program has no branch for a CPU.")


@rule("while")
def _while(equation: Any, *operands: Value) -> list[Value]:
    p = equation.params
    split = p["cond_nconsts"] + p["body_nconsts"]
    for_condition, for_body = operands[: p["cond_nconsts"]], operands[p["cond_nconsts"] : split]
    state = list(operands[split:])
    for _ in range(LONGEST_LOOP):
        (going,) = _closed(p["cond_jaxpr"], [*for_condition, *state])
        if going.item() is None:
            raise Undecided("a loop's end hangs on a comparison")
        if not going.item():
            return state
        state = _closed(p["body_jaxpr"], [*for_body, *state])
    raise SimbenchError(
        f"a loop in a claim's program ran {LONGEST_LOOP} turns in ball arithmetic without ending."
    )


@rule("scan")
def _scan(equation: Any, *operands: Value) -> list[Value]:
    p = equation.params
    consts = list(operands[: p["num_consts"]])
    state = list(operands[p["num_consts"] : p["num_consts"] + p["num_carry"]])
    inputs = operands[p["num_consts"] + p["num_carry"] :]
    turns = range(p["length"])
    emitted: list[list[Value]] = []
    for turn in reversed(turns) if p["reverse"] else turns:
        outputs = _closed(p["jaxpr"], [*consts, *state, *[np.asarray(x[turn]) for x in inputs]])
        state, rows = outputs[: p["num_carry"]], outputs[p["num_carry"] :]
        emitted.append(rows)
    if p["reverse"]:
        emitted.reverse()
    avals = [v.aval for v in equation.outvars[p["num_carry"] :]]
    return [*state, *[_stack([rows[i] for rows in emitted], aval) for i, aval in enumerate(avals)]]


def _stack(rows: list[Value], aval: Any) -> Value:
    return np.stack(rows) if rows else exact(np.zeros(aval.shape, aval.dtype))


def _closed(program: Any, operands: list[Value]) -> list[Value]:
    return run(program.jaxpr, [exact(value) for value in program.consts], operands)
