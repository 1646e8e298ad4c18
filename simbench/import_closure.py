"""What a result was computed by: a module, all that it imports, and what those import, read from their texts.

    digest(["simbench.engine.run", "simbench.learners.online.xpo"])

A new file in the package is in nobody's closure until something imports it, so it leaves every stored result as fresh
as it was; an edit of a file makes stale what reaches it. Texts count without comments, docstrings and layout.

What is followed:
    - imports anywhere in a file, inside functions too, but not below `if TYPE_CHECKING`: these do not happen;
    - a name imported from a package whose `__init__` re-exports it: the module that defines it, not the whole package;
    - a package imported as a name: the attributes that are read of it, or everything if it is handed on as a value;
    - a text that is the full name of a module, since kernels are imported by name.
Things that are looked up by name in a registry are followed nowhere: whoever asks for a digest names them as roots.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = "simbench"
FOLDER = Path(__file__).resolve().parent
LEAVES = frozenset(
    # They name things, read files, check and complain. `quantities.measured` is a list of names: whoever measures
    # names the quantities as roots.
    f"{ROOT}.{name}"
    for name in ("errors", "named_files", "python_file", "registry", "import_closure", "quantities.measured")
)


@dataclass(frozen=True)
class Text:
    """A module's text, read: its digest, what it imports, and what its top level binds.

    Attributes:
        digest: of the syntax tree without docstrings.
        imports: names imported as (module, name or None, alias).
        attributes: alias -> attributes read of it; None where the alias is used in any other way.
        modules: texts that may be names of modules.
    """

    digest: bytes
    imports: tuple[tuple[str, str | None, str], ...]
    attributes: Mapping[str, frozenset[str] | None]
    modules: frozenset[str]


@functools.cache
def digest(roots: frozenset[str]) -> str:
    """Return 16 hex digits that change with the text of any module that `roots` reach."""
    total = hashlib.blake2b(digest_size=8)
    for module in reached(roots):
        total.update(f"{module}\0".encode())
        total.update(_text(module).digest)
    return total.hexdigest()


@functools.cache
def reached(roots: frozenset[str]) -> tuple[str, ...]:
    """Return the modules of the package that `roots` reach, themselves included, sorted."""
    seen: set[str] = set()
    waiting = [module for root in roots for module in _module_of(root, None)]
    while waiting:
        module = waiting.pop()
        if module in seen or module in LEAVES:
            continue
        seen.add(module)
        waiting += imported_by(module)
    return tuple(sorted(seen))


@functools.cache
def imported_by(module: str) -> tuple[str, ...]:
    """Return the modules of the package whose text counts where `module`'s does."""
    return tuple(sorted(set(modules_of(_text(module))) - {module}))


def modules_of(text: Text) -> Iterator[str]:
    """Yield the modules of the package that a text imports, by whatever way."""
    for origin, name, alias in text.imports:
        if origin != ROOT and not origin.startswith(f"{ROOT}."):
            continue
        if name == "*":
            yield from _module_of(origin, None)
            continue
        yield from _module_of(origin if name is None else f"{origin}.{name}", text.attributes.get(alias))
    for name in text.modules:
        if _file(name) is not None:
            yield name


def _module_of(name: str, attributes: frozenset[str] | None) -> Iterator[str]:
    """Yield the modules behind a dotted name: itself, those behind its attributes, or the one that defines it."""
    file = _file(name)
    if file is not None and file.name != "__init__.py":
        yield name
    elif file is not None:
        names = _exports(name) if attributes is None else attributes
        for attribute in names:
            yield from _module_of(f"{name}.{attribute}", None)
    else:
        package, _, attribute = name.rpartition(".")
        if package:
            yield from _defining(package, attribute)


def _defining(package: str, attribute: str) -> Iterator[str]:
    """Yield the module that defines what a package or module offers under a name."""
    file = _file(package)
    if file is None or file.name != "__init__.py":
        yield from _module_of(package, None)  # a class's attribute, or a name of a plain module
        return
    home = _homes(package).get(attribute)
    if home is None:
        yield package  # bound by the package's own text
    else:
        yield from _module_of(home, None)


def _exports(package: str) -> list[str]:
    return sorted(_homes(package))


@functools.cache
def _homes(package: str) -> dict[str, str]:
    """Return name -> where a package's `__init__` has it from; lazily served names (`_HOME`) included."""
    homes = {
        alias: origin if name is None else f"{origin}.{name}"
        for origin, name, alias in _text(package).imports
    }
    for node in ast.parse(_read(package)).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOME":
            homes |= {name: f"{home}.{name}" for name, home in ast.literal_eval(node.value).items()}
    return {name: home for name, home in homes.items() if home.startswith(f"{ROOT}.")}


@functools.cache
def _text(module: str) -> Text:
    return read(_read(module))


def _read(module: str) -> str:
    file = _file(module)
    assert file is not None, module
    return file.read_text(encoding="utf-8")


@functools.cache
def _file(module: str) -> Path | None:
    """Return a module's file, or a package's `__init__`; None for what is neither."""
    if not all(part.isidentifier() for part in module.split(".")) or module.partition(".")[0] != ROOT:
        return None
    place = FOLDER.joinpath(*module.split(".")[1:])
    if place.with_suffix(".py").is_file() and place != FOLDER:
        return place.with_suffix(".py")
    return place / "__init__.py" if (place / "__init__.py").is_file() else None


def read(text: str) -> Text:
    """Return what there is to know of a Python text."""
    return describe(ast.parse(text).body)


def describe(statements: Iterable[ast.stmt]) -> Text:
    """Return what there is to know of statements, which lose their docstrings and what only type checkers see."""
    tree = _Stripped().visit(ast.Module(body=list(statements), type_ignores=[]))
    imports: list[tuple[str, str | None, str]] = []
    modules, uses = set(), dict[str, set[str] | None]()
    read_of = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(one.name, None, one.asname or one.name) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports += [(node.module or "", one.name, one.asname or one.name) for one in node.names]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(f"{ROOT}.")
        ):
            modules.add(node.value)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            read_of.add(id(node.value))
            known = uses.setdefault(node.value.id, set())
            if known is not None:
                known.add(node.attr)
        elif isinstance(node, ast.Name) and id(node) not in read_of:
            uses[node.id] = None
    return Text(
        digest=hashlib.blake2b(ast.dump(tree).encode(), digest_size=16).digest(),
        imports=tuple(imports),
        attributes={name: None if found is None else frozenset(found) for name, found in uses.items()},
        modules=frozenset(modules),
    )


class _Stripped(ast.NodeTransformer):
    """Drops docstrings, lone texts, and the branch that only type checkers see."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        return None if isinstance(node.value, ast.Constant) else node

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(one) for one in node.orelse]
        self.generic_visit(node)
        return node
