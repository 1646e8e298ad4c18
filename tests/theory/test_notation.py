"""One symbol, one meaning: what a claim's statement uses is reserved, or defined in its docstring."""

import importlib
import inspect
import pathlib
import pkgutil
import re

import pytest

from simbench import theory
from simbench.theory.notation import ALWAYS, SEVERAL, spelled, used
from simbench.verify import Claim

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "notation.md").read_text()


def catalogue():
    """Return {name: claim class} of everything below simbench/theory."""
    found = {}
    for info in pkgutil.walk_packages(theory.__path__, "simbench.theory."):
        module = importlib.import_module(info.name)
        for thing in vars(module).values():
            own = isinstance(thing, type) and thing.__module__ == module.__name__
            if own and issubclass(thing, Claim) and thing.name:
                found[thing.name] = thing
    return found


CLAIMS = catalogue()


def docstring(name):
    return re.sub(r"\s+", " ", inspect.cleandoc(CLAIMS[name].__doc__))


WORDS = (
    "is|has|the|that|its|an?|over|weighs|concave|convex|rewards?|sources?|in|from|prompts?|labels|of either"
)
AFTER = rf"=|<=|>=|(?:{WORDS})\b"
BEFORE = "every|all|any|some|ridge|law|mass|direction|exponent|class of|grows like|dimension|policy|opponent|source"


def defines(text, symbol):
    """Return whether a text says what a symbol is: `X = ...`, `X is`, `X the ...`, `every X`, `X in ...`."""
    shape = rf"(?<![\w*'`-]){re.escape(symbol)}(?:\([^()]*\))?(?![\w*'`])"
    return bool(re.search(rf"{shape}\s*(?:{AFTER})", text) or re.search(rf"(?:{BEFORE})\s+{shape}", text))


def undefined(name):
    """Return what of `SEVERAL` a claim's first line uses, and neither it nor a claim that it names defines."""
    statement = inspect.cleandoc(CLAIMS[name].__doc__).partition("\n")[0]
    statement = re.sub(r"w\.p\.|\bd\w*/d ?\w+|\bA (?=[a-z]{3,})", "", statement)  # English, and derivatives
    told = docstring(name)
    others = [docstring(other) for other in re.findall(r"`(\w+)`", told) if other in CLAIMS]
    return [
        symbol
        for symbol in SEVERAL
        if spelled(symbol).search(statement) and not any(defines(text, symbol) for text in [told, *others])
    ]


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_every_symbol_is_defined(name):
    assert undefined(name) == []
    assert CLAIMS[name].source.strip()


def test_an_undefined_symbol_is_noticed():
    class Claimed:
        """J(pi) <= M L for every policy.

        Nothing more is said.
        """

    CLAIMS["planted"] = Claimed
    try:
        assert undefined("planted") == ["L", "M"]
        Claimed.__doc__ = "J(pi) <= M L for every policy.\n\nM rewards in the class, L = log(2M/delta)."
        assert undefined("planted") == []
    finally:
        del CLAIMS["planted"]


def test_the_page_has_every_symbol():
    cells = {cell.strip(" `") for row in PAGE.splitlines() if row.startswith("|") for cell in row.split("|")}
    listed = {symbol for cell in cells for symbol in re.split(r"`?, `?", cell)}
    for symbols in ALWAYS:
        assert set(symbols.split(", ")) <= listed, symbols
    assert set(SEVERAL) <= listed, set(SEVERAL) - listed


def test_reserved_symbols_of_a_docstring():
    found = dict(used("E_pi* r* - beta KL(pi*||ref) = J(pi*)"))
    assert set(found) == {"ref", "beta", "r*", "KL", "J", "pi*"}
