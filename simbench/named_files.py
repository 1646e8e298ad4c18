"""Files known by name: environments, studies and figure scripts, found without importing anything heavy.

A name resolves to the first of

    <working directory>/<kind>/<name>          yours: it shadows a shipped one of the same name
    simbench/_data/<kind>/<name>               what the wheel carries
    <checkout>/<kind>/<name>                   an editable install reads the repository itself

and a path that ends in the kind's suffix is taken as that file.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simbench.errors import SimbenchError, UnknownNameError, nearest

SUFFIXES = {"environments": ".toml", "experiments": ".toml", "paper_figures": ".py"}
SINGULAR = {"environments": "environment", "experiments": "experiment", "paper_figures": "figure"}

_PACKAGE = Path(__file__).resolve().parent


def folders(kind: str) -> list[Path]:
    """Return the existing folders that hold files of a kind, in the order in which they are searched."""
    roots = [Path.cwd(), _PACKAGE / "_data"]
    checkout = _PACKAGE.parent
    if (
        checkout / "pyproject.toml"
    ).is_file():  # not site-packages: a stranger's `environments` may lie there
        roots.append(checkout)
    return list(dict.fromkeys(root / kind for root in roots if (root / kind).is_dir()))


def names(kind: str) -> list[str]:
    """Return the sorted names of all files of a kind; a leading underscore keeps a file private."""
    suffix = _suffix(kind)
    files = (file for folder in folders(kind) for file in folder.glob(f"*{suffix}") if file.is_file())
    return sorted({file.stem for file in files if not file.stem.startswith(("_", "."))})


def find(kind: str, name: str | Path) -> Path:
    """Return the file of a kind called `name`, or `name` itself when it is the path of an existing file.

    Raises `UnknownNameError` with the nearest valid name, or `SimbenchError` for a path where no file is.
    """
    suffix = _suffix(kind)
    if not isinstance(name, str | Path):
        raise SimbenchError(
            f"{SINGULAR[kind]} is {name!r}; it must be a name or the path of a {suffix} file."
        )
    if isinstance(name, Path) or name.endswith(suffix):
        return _existing(Path(name), kind)
    if re.fullmatch(r"[\w.-]+", name):
        for folder in folders(kind):
            if is_file(folder / f"{name}{suffix}"):
                return folder / f"{name}{suffix}"
    raise UnknownNameError(
        f"no {SINGULAR[kind]} is called '{name}' (nor is it the path of a {suffix} file). "
        f"{nearest(str(name), names(kind))}"
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise `SimbenchError` naming file, line and column when it is malformed."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise SimbenchError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SimbenchError(
            f"{path} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})."
        ) from None
    try:
        table = tomllib.loads(text)
        long = _too_long(table)
    except RecursionError:
        raise SimbenchError(f"{path} is nested too deeply; arrays and tables nest a few levels.") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
        message = str(error)[: at.start()].strip() if at else str(error)
        lines = text.split("\n")
        line, column = (int(at[1]), int(at[2])) if at and at[1] else (len(lines), len(lines[-1]) + 1)
        raise SimbenchError(
            f"{path}, line {line}, column {column}: not valid TOML: {message[:1].lower()}{message[1:]}."
        ) from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise SimbenchError(f"{path} has a number of too many digits.") from None
    if long is not None:
        raise SimbenchError(f"{path}: {long} holds a whole number beyond 64 bits, which TOML does not have.")
    return table


def _too_long(value: Any, key: str = "") -> str | None:
    """Return the first key under which a whole number of more than 64 bits lies; hexadecimals may be of any length."""
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else key
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = [(key, part) for part in value]
    return next((found for name, part in parts if (found := _too_long(part, name)) is not None), None)


def is_file(path: Path) -> bool:
    """Return whether a file is there; a name that no file can have is the name of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for the file system, or with a byte that no name has
        return False


def require_keys(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Raise `UnknownNameError` with the nearest valid key when a table holds a key that is not allowed."""
    known = list(allowed)
    for key in table:
        if key not in known:
            raise UnknownNameError(f"{where}: unknown key '{key}'. {nearest(key, known)}")


def _existing(path: Path, kind: str) -> Path:
    if is_file(path):
        if not path.stem.strip("."):
            raise SimbenchError(
                f"{SINGULAR[kind]} file {path}: its name is made of dots; results are kept under that name."
            )
        return path
    try:
        state = "is a folder" if path.is_dir() else "does not exist"
    except (OSError, ValueError) as error:
        raise SimbenchError(f"{SINGULAR[kind]} file {str(path)[:80]!r}…: no file has such a name.") from error
    hint = f" The {SINGULAR[kind]} of that name is called '{path.stem}'." if path.stem in names(kind) else ""
    raise SimbenchError(f"{SINGULAR[kind]} file {path} {state}.{hint}")


def _suffix(kind: str) -> str:
    if kind not in SUFFIXES:
        raise UnknownNameError(f"'{kind}' is no kind of named file. {nearest(kind, SUFFIXES)}")
    return SUFFIXES[kind]
