"""A named environment: a family of worlds with its parameters, in a TOML file of about fifteen lines.

    summary = "What is hard here, in one sentence."
    source = "huang2025, Lemma 3.1"
    family = "two_arms"

    [parameters]
    rare_mass = 1e-6

    [noise]                          # any modifier: sources, correlated_sources, noise, shift
    flip = 0.1

`make("two_arms", instance=3, rare_mass=1e-3, noise={"flip": 0.2})` draws instance 3 of it with parameters
overridden; a study's grid calls the second one "environment.noise.flip". A study may write the same table inline. A
world depends on (family, parameters, modifiers, seed, instance) and on nothing else.
"""

import json
import numbers
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

from simbench.bandit import Bandit
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.named_files import find, read_toml, require_keys
from simbench.registry import configure, everything, lookup
from simbench.tape import Key, instance_key
from simbench.worlds.draws import MOST_CELLS

KEYS = ("summary", "source", "family", "parameters")


class Family(Protocol):
    """What a registered family offers: typed parameters as fields, and worlds drawn from a key."""

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""


class Modifier(Protocol):
    """What a registered modifier offers: typed parameters as fields, and worlds changed in one respect."""

    def apply(self, world: Bandit, key: Key) -> Bandit:
        """Return the world with the modification that belongs to `key`."""


@dataclass(frozen=True, kw_only=True)
class ModifiedFamily:
    """A family and what is added to its worlds.

    Args:
        family: draws the world.
        modifiers: name to modifier; applied in the alphabetical order of the names.
    """

    family: Family
    modifiers: Mapping[str, Modifier]

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        ordered = [self.modifiers[name] for name in sorted(self.modifiers)]
        return reduce(lambda world, modifier: modifier.apply(world, key), ordered, self.family.draw(key))


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A family with its parameters and modifiers, validated when it was loaded.

    Args:
        name: what the environment is called ('inline' when a study wrote it as a table).
        family: the registered family's name.
        summary: one sentence.
        source: citations joined by '; '.
        parameters: what the file sets; the family's defaults fill the rest. JSON-able.
        modifiers: name to what the file sets of its parameters. JSON-able.
        where: the file, or the file and table, that complaints name.
    """

    name: str
    family: str
    summary: str = ""
    source: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    modifiers: dict[str, dict[str, Any]] = field(default_factory=dict)
    where: str = "environment"

    def table(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the environment's table under `overrides`: what `environment_from_table` takes.

        Args:
            overrides: parameters of the family by name; those of a modifier as "<modifier>.<parameter>", or as a
                table under the modifier's name.

        Raises:
            UnknownNameError: no such modifier, with the nearest one.
        """
        parameters = dict(self.parameters)
        modifiers = {name: dict(values) for name, values in self.modifiers.items()}
        own = {one.name for one in fields(lookup("family", self.family))}
        for key, value in (overrides or {}).items():
            name, dot, parameter = key.partition(".")
            if dot:
                modifiers.setdefault(_require_modifier(name, self.where), {})[parameter] = value
            elif name in everything("modifier") and name not in own:
                modifiers[name] = modifiers.get(name, {}) | _table(value, name, self.where)
            else:
                parameters[name] = value
        return {"family": self.family, "parameters": parameters, **modifiers}

    def build(self, overrides: Mapping[str, Any] | None = None) -> Family:
        """Return the family object under `overrides`, wrapped in its modifiers if it has any.

        Raises `UnknownNameError` with the nearest valid name for an unknown parameter or modifier.
        """
        family, modifiers = self._records(overrides)
        return ModifiedFamily(family=family, modifiers=modifiers) if modifiers else family

    def _records(self, overrides: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        table = self.table(overrides)
        name, parameters = table.pop("family"), table.pop("parameters")
        modifiers = {key: configure("modifier", key, table[key], self.where) for key in sorted(table)}
        family = configure("family", name, parameters, self.where)
        cells = getattr(family, "prompts", 1) * getattr(family, "responses", 1)
        if isinstance(cells, int) and cells > MOST_CELLS:
            raise SimbenchError(
                f"{self.where}: the world has {cells} prompts x responses; it may have at most {MOST_CELLS}."
            )
        return family, modifiers

    def identity(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what the worlds depend on besides seed and instance, JSON-able, for naming stored results.

        The family, its parameters defaults filled in, the hash of the file that it reads, if any, and the
        modifiers with theirs, if any.
        """
        family, modifiers = self._records(overrides)
        identity: dict[str, Any] = {"family": self.family, "parameters": asdict(family)}
        if hasattr(family, "digest"):
            identity["digest"] = family.digest()
        if modifiers:
            identity["modifiers"] = {name: asdict(modifier) for name, modifier in modifiers.items()}
        return identity

    def draw(self, *, instance: int = 0, seed: int = 0, overrides: Mapping[str, Any] | None = None) -> Bandit:
        """Return world `instance` of study `seed`."""
        for axis, value in (("instance", instance), ("seed", seed)):
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
                raise SimbenchError(f"{axis} is {value!r}; it must be an integer >= 0.")
        family = self.build(overrides)
        try:
            return family.draw(instance_key(seed=int(seed), instance=int(instance)))
        except SimbenchError as error:
            raise type(error)(f"{self.where}, instance {instance}: {error}") from None


def make(
    name: str | Path | Mapping[str, Any], *, instance: int = 0, seed: int = 0, **overrides: Any
) -> Bandit:
    """Draw a world: instance `instance` of the environment called `name`, some of its parameters overridden.

    Args:
        name: a named environment, the path of an environment's TOML file, or its table as a dict.
        instance: which world of the family, from 0.
        seed: the study's seed.
        **overrides: parameters of the family; tables of parameters of a modifier, `sources={"gap": 0.2}`.

    Raises:
        UnknownNameError: no such environment or parameter; the message offers the nearest one.
        SimbenchError: a malformed file, or a value out of range.
    """
    return load_environment(name).draw(instance=instance, seed=seed, overrides=overrides)


def load_environment(name: str | Path | Mapping[str, Any]) -> Environment:
    """Load an environment by name, by path, or from a table; a bad one is refused here, not when drawn."""
    if isinstance(name, Mapping):
        return environment_from_table(name, "environment")
    file = find("environments", name)
    return environment_from_table(read_toml(file), str(file), name=file.stem)


def environment_from_table(table: Mapping[str, Any], where: str, *, name: str = "inline") -> Environment:
    """Check the table of an environment; `where` (file, or file and key) starts every complaint."""
    if not isinstance(table, Mapping):
        raise SimbenchError(
            f"{where} is {table!r}; an environment is a table with the keys {', '.join(KEYS)}."
        )
    known = everything("modifier")
    require_keys(table, (*KEYS, *known), where)
    if "family" not in table:
        raise SimbenchError(
            f"{where}: the key 'family' is missing; it names the family of worlds to draw from."
        )
    for key in ("family", "summary", "source"):
        if not isinstance(table.get(key, ""), str):
            raise SimbenchError(f"{where}: {key} is {table[key]!r}; it must be a string.")
    parameters = table.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise SimbenchError(f"{where}: parameters is {parameters!r}; it must be a table, [parameters].")
    _require_family(table["family"], where)
    environment = Environment(
        name=name,
        family=table["family"],
        summary=table.get("summary", ""),
        source=table.get("source", ""),
        parameters=_json_able(parameters, where),
        modifiers={
            key: _json_able(_table(table[key], key, where), where) for key in sorted(table) if key in known
        },
        where=where,
    )
    environment.build()
    return environment


def _table(value: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SimbenchError(
            f"{where}: {name} is {value!r}; it must be a table of the modifier's parameters, [{name}]."
        )
    return dict(value)


def _require_modifier(name: str, where: str) -> str:
    if name not in everything("modifier"):
        raise UnknownNameError(
            f"{where}: no modifier is called '{name}'. {nearest(name, everything('modifier'))}"
        )
    return name


def _require_family(family: str, where: str) -> None:
    try:
        lookup("family", family)
    except SimbenchError as error:
        raise type(error)(f"{where}: {error}") from None


def _json_able(parameters: Mapping[str, Any], where: str) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for key, value in parameters.items():
        try:
            copy[key] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            raise SimbenchError(
                f"{where}: parameter '{key}' is {value!r}; parameters are finite numbers, strings, lists and tables."
            ) from None
    return copy
