"""Which texts compute a unit's numbers: those of the engine, of its world, its learner and the quantities it holds.

Simbench's own are followed through its imports (`simbench.import_closure`). Of a user's file only what is registered
and what that reaches counts: an edit of one learner leaves another of the same file as it was, and a comment changes
nothing.
"""

import ast
import dataclasses
import functools
import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from simbench import import_closure
from simbench.engine import UNASKED_QUANTITIES
from simbench.errors import SimbenchError
from simbench.quantities import MEASURED

ENGINE = ("simbench.engine.run", "simbench.worlds.environment")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources:
    """The digests that name a unit: of simbench's texts, and of a user's, by the name of the file's module."""

    simbench: str
    plugins: dict[str, str]


def sources_of(*things: Any, quantities: Iterable[str]) -> Sources:
    """Return the sources of what is computed by the records in `things` and measured by `quantities`.

    Args:
        things: a family (or a family with modifiers) and a learner, with all records that they hold.
        quantities: names from `MEASURED`.

    Raises `SimbenchError` for a user's file that can no longer be read.
    """
    kinds = {type(record) for thing in things for record in _records(thing)}
    ours = {kind.__module__ for kind in kinds if _is_ours(kind.__module__)}
    measured = {MEASURED[name].function.__module__ for name in (*quantities, *UNASKED_QUANTITIES)}
    wanted: dict[str, set[str]] = {}
    for kind in kinds:
        if not _is_ours(kind.__module__) and _file(kind.__module__) is not None:
            wanted.setdefault(kind.__module__, set()).add(kind.__qualname__.partition(".")[0])
    plugins, reached = {}, set[str]()
    for module, names in sorted(wanted.items()):
        plugins[module], modules = _foreign(module, frozenset(names))
        reached |= modules
    roots = frozenset({*ENGINE, *ours, *measured, *reached})
    return Sources(simbench=import_closure.digest(roots), plugins=plugins)


def _foreign(module: str, names: frozenset[str]) -> tuple[str, set[str]]:
    """Return the digest of what `names` reach in a user's module, and the modules of simbench that it imports."""
    file = _file(module)
    assert file is not None
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SimbenchError(f"{file} cannot be read: {error}.") from None
    return _digested(text, names)


@functools.cache
def _digested(text: str, names: frozenset[str]) -> tuple[str, set[str]]:
    described = import_closure.describe(reached_statements(text, names))
    total = hashlib.blake2b(described.digest, digest_size=16)
    modules = set(import_closure.modules_of(described))
    for helper in sorted({origin for origin, _, _ in described.imports}):
        place = _file(helper)
        if place is None or _is_ours(helper) or _is_installed(place):
            continue
        # A module of the user's that the file imports counts as a whole.
        found = import_closure.read(place.read_text(encoding="utf-8"))
        total.update(found.digest)
        modules |= set(import_closure.modules_of(found))
    return total.hexdigest(), modules


def reached_statements(text: str, names: Iterable[str]) -> list[ast.stmt]:
    """Return the top-level statements of a Python text that `names` need, in their order.

    These are the statements that bind the names, those that bind what they mention, and so on, and all statements that
    bind nothing, since what they do cannot be told.
    """
    body = ast.parse(text).body
    binders: dict[str, list[int]] = {}
    needed = set[int]()
    for index, statement in enumerate(body):
        bound = _bound(statement)
        for name in bound:
            binders.setdefault(name, []).append(index)
        if not bound:
            needed.add(index)
    waiting = [index for name in names for index in binders.get(name, ())] + sorted(needed)
    done = set[int]()
    while waiting:
        index = waiting.pop()
        if index not in done:
            done.add(index)
            waiting += [other for name in _mentioned(body[index]) for other in binders.get(name, ())]
    return [body[index] for index in sorted(done)]


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement binds; one inside a branch or a loop binds them too."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(one.asname or one.name).partition(".")[0] for one in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node for target in targets for node in ast.walk(target)]
        if all(
            isinstance(node, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
            for node in names
        ):
            return {node.id for node in names if isinstance(node, ast.Name)}
    return set()


def _mentioned(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _records(thing: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        yield thing
        for field in dataclasses.fields(thing):
            yield from _records(getattr(thing, field.name))
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from _records(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from _records(value)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == import_closure.ROOT


def _file(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else Path(file)


@functools.cache
def _installed() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(Path(sysconfig.get_path(name)).resolve() for name in names)


def _is_installed(file: Path) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in _installed())
