"""The claim protocol: a statement, its domain, its measured side, its theory side, its controls.

    @claim("my_lemma", source="me, Lemma 1")
    class MyLemma(Upper):
        '''Cov(pi*|pi) - 1 <= kappa(M) gap/beta, M = max pi*/pi.  (then assumptions, controls)'''

        domain = Instances(log_policy=Gibbs())
        controls = (Control("half the constant", constant=0.5),)

        def measured(self, x): return q.coverage_excess(x.world, x.log_policy)
        def theory(self, x): return ...

Both sides are bare jax.numpy functions of ONE instance that return one number. The four deterministic kinds:

    Upper      measured <= theory         on the whole domain
    Lower      measured >= theory
    Identity   measured  = theory         to `tolerance` in float64, to `exact_tolerance` in ball arithmetic
    Exists     measured  > theory         somewhere on the domain (usually a small family that holds the
    witness)

`constant` multiplies the theory side unless `theory(self, x, constant=1.0)` says where it belongs.
Statistical kinds derive from `Claim` too (`simbench.verify.statistical`); nothing in this file runs anything.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from simbench import registry
from simbench.errors import SimbenchError
from simbench.verify.domains.cube import Domain

C = TypeVar("C", bound="type[Claim]")
EXPECTED = ("consistent", "violated")


class Named(Protocol):
    """What controls of all kinds have in common: a name, in a few words."""

    @property
    def name(self) -> str:
        """What is altered."""
        ...


@dataclasses.dataclass(frozen=True)
class Control:
    """A false variant of a claim that MUST be refuted, with proof, at the claim's own sample size.

    Args:
        name: what is altered, in a few words.
        constant: the altered constant handed to the theory side (re-uses the claim's compiled functions).
        domain: another domain, on which an assumption is broken.
        measured, theory: a mutated side, a function of the instance x alone.
    """

    name: str
    _: dataclasses.KW_ONLY
    constant: float = 1.0
    domain: Domain | None = None
    measured: Callable[[Any], Any] | None = None
    theory: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        """A control that changes nothing would be the claim itself."""
        if self.constant == 1.0 and self.domain is None and self.measured is None and self.theory is None:
            raise SimbenchError(
                f"control '{self.name}' changes nothing; give it a constant, a domain, a measured or a theory side."
            )


class Claim:
    """A statement of any kind: the docstring says it in mathematics, `kind` names the rule that judges it."""

    name: ClassVar[str] = ""
    source: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    expected: ClassVar[str] = "consistent"
    corrected_by: ClassVar[str | None] = None
    controls: tuple[Named, ...] = ()

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError`, starting with `where`, when the class lacks what its kind needs."""

    @property
    def summary(self) -> str:
        """The first line of the statement."""
        return inspect.cleandoc(self.__doc__ or "").partition("\n")[0]

    def described(self) -> list[tuple[str, str]]:
        """Return what the claim ranges over and asks for, as (label, text) pairs for `simbench explain`."""
        return []

    def constants(self, world: Any) -> Mapping[str, Any]:
        """Return the statement's constants as numbers in `world`, for `simbench explain`; none by default."""
        return {}


class Deterministic(Claim):
    """A claim about every instance of a domain; tried on random and extreme ones, a tight family, the hunter.

    Attributes:
        domain: what it ranges over.
        measured: the method (x) -> the measured side of the instance x, one number.
        theory: the method (x) or (x, constant=1.0) -> the theory side, a function that can be drawn.
        tight_on: a domain on which the two sides (nearly) meet, or None.
        tightness: what the largest measured/theory must reach, or the test was vacuous (Lower: theory/measured).

    An assumption that the domain does not build in is a method, `assumes_margin` or `assumes`. Instances that do not
    satisfy it are not the claim's business.
    """

    domain: Domain
    measured: Callable[..., Any]
    theory: Callable[..., Any]
    tight_on: Domain | None = None
    tightness: float = 0.0
    controls: tuple[Control, ...] = ()

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless both sides and a domain are there."""
        for side in ("measured", "theory"):
            if not callable(getattr(cls, side, None)):
                raise SimbenchError(f"{where} defines no {side}(self, x).")
        if not isinstance(getattr(cls, "domain", None), Domain):
            raise SimbenchError(
                f"{where} has no domain; give it one, such as domain = Instances(log_policy=Gibbs())."
            )

    def described(self) -> list[tuple[str, str]]:
        """Return the domains and the tightness asked for."""
        values = ((label, getattr(self, label)) for label in ("domain", "tight_on", "tightness"))
        return [(label, str(value)) for label, value in values if value]

    def assumes(self, x: Any) -> Any:
        """Return whether x satisfies the assumptions that the domain does not build in (default: yes): a boolean.

        The hunter cannot see how far an instance is from satisfying it; for an inequality say `assumes_margin`.
        """
        return True

    def assumes_margin(self, x: Any) -> Any:
        """Return by how much x satisfies an assumption, one number: it holds where that is >= 0 (default: everywhere).

        For KL(pi||ref) <= budget that is budget - KL(pi||ref). The hunter climbs along the boundary, where the supremum
        of a claim often lies, so the number should be smooth; its scale does not matter.
        """
        return math.inf

    @property
    def has_margin(self) -> bool:
        """Whether the claim says by how much its assumption holds."""
        return getattr(type(self), "assumes_margin", None) is not Deterministic.assumes_margin

    @property
    def has_assumption(self) -> bool:
        """Whether some instances of the domain may not be the claim's business."""
        return self.has_margin or getattr(type(self), "assumes", None) is not Deterministic.assumes

    def theory_at(self, x: Any, constant: Any) -> Any:
        """Return the theory side with its constant multiplied by `constant`, wherever the claim puts it."""
        if "constant" in inspect.signature(self.theory).parameters:
            return self.theory(x, constant)
        return constant * self.theory(x)

    def altered(self, control: Control) -> "Deterministic":
        """Return this claim with the control's domain and sides in place of its own (not its constant)."""
        if control.domain is None and control.measured is None and control.theory is None:
            return self
        variant = type(self)()
        changes: dict[str, Any] = {
            "measured": control.measured,
            "theory": control.theory,
            "domain": control.domain,
        }
        for key, value in changes.items():
            if value is not None:
                setattr(variant, key, value)
        if control.domain is not None:
            variant.tight_on = None
        return variant


class Upper(Deterministic):
    """`measured(x) <= theory(x)` for every x of the domain."""

    kind = "upper"


class Lower(Deterministic):
    """`measured(x) >= theory(x)` for every x of the domain."""

    kind = "lower"


class Identity(Deterministic):
    """`measured(x) = theory(x)` for every x of the domain.

    Attributes:
        tolerance: allowed |measured - theory| in float64, relative to the larger side. What exceeds it is a suspicion,
            decided in ball arithmetic.
        exact_tolerance: the same in ball arithmetic, where only an approximation such as a quadrature needs more.
        scale: the size of the sides under which differences are absolute, for a statement that means it so; 0, the
            default, compares the sides with each other however small they are.
    """

    kind = "identity"
    tolerance: float = 1e-9
    exact_tolerance: float = 1e-30
    scale: float = 0.0


class Exists(Deterministic):
    """`measured(x) > theory(x)` for some x of the domain; found by search, then proved in ball arithmetic."""

    kind = "exists"


def claim(
    name: str, *, source: str, expected: str = "consistent", corrected_by: str | None = None
) -> Callable[[C], C]:
    """Decorate a claim class: check that it is complete and register it under `name`.

    Args:
        name: the claim's name on the command line.
        source: citations joined by "; " ([huang2025, Lemma 3.1] is written "huang2025, Lemma 3.1").
        expected: "violated" for a misprinted formula of the literature; it then names the true claim in
        corrected_by: whose formula must hold on the witness that refutes this one.

    Raises:
        SimbenchError: no statement, no domain, or a misprint without its correction.
    """

    def enter(cls: C) -> C:
        try:
            check(cls)
        except SimbenchError as error:
            registry.set_aside(name, cls, error)
            return cls
        cls.name, cls.source, cls.expected, cls.corrected_by = name, source, expected, corrected_by
        return registry.register("claim", name)(cls)

    def check(cls: C) -> None:
        where = f"claim '{name}' ({cls.__module__}.{cls.__qualname__})"
        if not inspect.cleandoc(cls.__dict__.get("__doc__") or "").strip():
            raise SimbenchError(f"{where} has no docstring: the docstring is the statement.")
        if not source:
            raise SimbenchError(
                f"{where} names no source; a statement of your own says so, such as 'me, Lemma 1'."
            )
        if expected not in EXPECTED:
            raise SimbenchError(
                f"{where} has expected='{expected}'; it must be one of {', '.join(EXPECTED)}."
            )
        if (expected == "violated") != (corrected_by is not None):
            raise SimbenchError(f"{where}: expected='violated' and corrected_by=NAME go together.")
        cls.require_complete(where)

    return enter


def find_claim(claim: "str | type[Claim] | Claim") -> Claim:
    """Return the claim of this name, or an instance of this claim class; raise if it is neither."""
    if isinstance(claim, str):
        claim = registry.lookup("claim", claim)
    if isinstance(claim, type) and issubclass(claim, Claim):
        claim = claim()
    if not isinstance(claim, Claim) or not claim.name:
        raise SimbenchError(f"{claim!r} is no claim; decorate its class with @claim(name, source=...).")
    return claim
