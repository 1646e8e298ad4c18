"""Certificates: a violation written down so that anybody can check it again, at twice the precision.

A certificate holds the instance exactly (the cube's coordinates as hexadecimal doubles), which claim it
refutes and a digest of that claim's text, the enclosures of `lesser - greater` (wholly positive) and of the
ratio, and a digest of all of it. `replay` recomputes everything from the claim as it is now and refuses, in
one sentence, a certificate that was altered, that belongs to another text of the claim, or whose enclosure
does not come out again.
"""

import hashlib
import inspect
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flint
import jax
import numpy as np
from flint import arb

from simbench import registry
from simbench.verify.ball import working_precision
from simbench.verify.certificate_file import FORMAT, CertificateError, read
from simbench.verify.counterexample import counterexample
from simbench.verify.proof import Proof, decide
from simbench.verify.protocol import Claim, Deterministic, Exists, find_claim
from simbench.verify.sides import Sides

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def certify(
    sides: Sides, point: np.ndarray, constant: float, proof: Proof, *, found_by: str
) -> dict[str, Any]:
    """Return the certificate of a proved instance, a JSON-able mapping.

    Raises:
        CertificateError: the instance is not proved to violate the claim.
    """
    if proof.status != "proved":
        raise CertificateError(
            f"claim '{sides.claim.name}': the instance is {proof.status}, so there is nothing to certify."
        )
    claim = sides.claim
    certificate: dict[str, Any] = {
        "format": FORMAT,
        "claim": claim.name,
        "kind": claim.kind,
        "source": claim.source,
        "file": _file(claim),
        "statement": claim_digest(claim),
        "domain": "tight_on" if sides.domain is claim.tight_on else "domain",
        "shape": list(sides.shape),
        "constant": float(constant).hex(),
        "point": [float(x).hex() for x in point],
        "precision": proof.precision,
        "margin": list(proof.margin),
        "ratio": list(proof.ratio),
        "counterexample": counterexample(sides, point, constant, proof.precision),
        "found_by": found_by,
        "sentence": _sentence(claim, proof, constant),
        "versions": versions(),
    }
    certificate["digest"] = digest(certificate)
    return certificate


def replay(certificate: Mapping[str, Any] | str | Path, claim: Claim | None = None) -> Proof:
    """Check a certificate (a mapping, or the path of its JSON file) at twice its precision; return the new proof.

    The claim is looked up by name; a plug-in that defines it must be loaded before.

    Raises:
        CertificateError: altered, of another text of the claim, or not confirmed; one sentence each.
    """
    record = read(certificate)
    if record.get("digest") != digest(record):
        raise CertificateError("the certificate was altered: its digest does not match its contents.")
    known = claim if claim is not None else _find(record)
    if not isinstance(known, Deterministic):
        raise CertificateError(f"claim '{known.name}' is of kind '{known.kind}', which has no certificates.")
    if claim_digest(known) != record["statement"]:
        raise CertificateError(
            f"the certificate refutes another text of claim '{known.name}': its statement, sides or domain have "
            "changed since. Judge the claim again."
        )
    sides, point, constant, precision = _instance(known, record)
    proof = decide(sides, point, constant, (2 * precision,))
    if proof.status != "proved":
        raise CertificateError(
            f"the certificate is not confirmed: at {proof.precision} bits the instance {proof.status}, "
            f"with lesser - greater in [{proof.margin[0]}, {proof.margin[1]}]."
        )
    _require_same_enclosure(record, proof)
    _require_same_numbers(record, counterexample(sides, point, constant, proof.precision))
    return proof


def confirms(certificate: Mapping[str, Any] | str | Path) -> str:
    """Return what a certificate speaks about: which claim, as it stands or altered, on which domain and shape."""
    record = read(certificate)
    constant = float.fromhex(record["constant"])
    where = "its tight family" if record["domain"] == "tight_on" else "its domain"
    place = f"on {where}, shape {tuple(record['shape'])}"
    if constant == 1.0:
        return f"claim '{record['claim']}' as it stands is violated {place}"
    return (
        f"claim '{record['claim']}' ALTERED, with {constant:g} x its stated constant (as a control has it), is "
        f"violated {place}; this says nothing against the claim as it stands"
    )


def save(certificate: Mapping[str, Any], path: str | Path) -> Path:
    """Write a certificate as JSON, a temporary file first; return the path."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(target.suffix + ".tmp")
    temporary.write_text(json.dumps(certificate, indent=1) + "\n")
    temporary.replace(target)
    return target


def digest(certificate: Mapping[str, Any]) -> str:
    """Return the BLAKE2b digest of a certificate's contents (all but `digest` itself), as canonical JSON."""
    contents = {key: value for key, value in certificate.items() if key != "digest"}
    try:
        text = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise CertificateError("the certificate cannot be read: an entry is not plain JSON.") from None
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def claim_digest(claim: Deterministic) -> str:
    """Return the digest of what a claim says: its kind, its domain, and the text of its sides and assumptions."""
    parts = [claim.kind, ADDRESS.sub("", repr(claim.domain)), ADDRESS.sub("", repr(claim.tight_on))]
    assumptions = [claim.assumes, claim.assumes_margin] if claim.has_assumption else []
    for method in (claim.measured, claim.theory, *assumptions):
        try:
            parts.append(inspect.getsource(method))
        except (OSError, TypeError):
            parts.append(method.__code__.co_code.hex())
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of what computed a certificate, for the record."""
    return {"python": platform.python_version(), "jax": jax.__version__, "python-flint": flint.__version__}


def _sentence(claim: Deterministic, proof: Proof, constant: float) -> str:
    altered = "" if constant == 1.0 else f" (constant {constant:g})"
    if isinstance(claim, Exists):
        return f"measured exceeds theory{altered} by at least {proof.margin[0]}, proved at {proof.precision} bits"
    return f"lesser - greater{altered} is at least {proof.margin[0]} > 0, proved at {proof.precision} bits"


def _file(claim: Deterministic) -> str:
    """Return the claim's module if it is simbench's own, else the path of its file."""
    module = type(claim).__module__
    if module.startswith("simbench."):
        return module
    try:
        return str(Path(inspect.getfile(type(claim))).resolve())
    except (OSError, TypeError):
        return module


def _find(record: Mapping[str, Any]) -> Claim:
    """Return the claim by name. A certificate is data: the file it names is shown to the user, never run."""
    if record["claim"] not in registry.everything("claim"):
        raise CertificateError(
            f"no claim is called '{record['claim']}'; the certificate was issued for one in {record['file']}, "
            "which --plugin (or load_plugin) loads."
        )
    return find_claim(record["claim"])


def _instance(claim: Deterministic, record: Mapping[str, Any]) -> tuple[Sides, np.ndarray, float, int]:
    """Return what the certificate is about: the sides, the point of their cube, the constant, the precision."""
    try:
        domain = {"domain": claim.domain, "tight_on": claim.tight_on}[record["domain"]]
        shape = tuple(int(size) for size in record["shape"])
        point = np.array([float.fromhex(x) for x in record["point"]], dtype=np.float64)
        constant, precision = float.fromhex(record["constant"]), int(record["precision"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CertificateError(f"the certificate cannot be read: {type(error).__name__} {error}.") from None
    if domain is None or shape not in domain.shapes:
        raise CertificateError(f"the certificate's shape {shape} is not one of claim '{claim.name}'.")
    if not 2 <= precision <= 2**16:
        raise CertificateError(f"the certificate's precision is {precision} bits; it must be in [2, 65536].")
    sides = Sides(claim, domain, shape)
    _require_in_cube(sides, point)
    return sides, point, constant, precision


def _require_in_cube(sides: Sides, point: np.ndarray) -> None:
    if point.shape != (sides.dimension,) or not ((point >= 0) & (point <= 1)).all():
        raise CertificateError(
            f"the certificate's point is not in the domain of claim '{sides.claim.name}': "
            f"it must be {sides.dimension} numbers in [0, 1]."
        )


def _require_same_enclosure(record: Mapping[str, Any], proof: Proof) -> None:
    """The balls of both precisions contain the one true number, so they must meet."""
    with working_precision(2 * proof.precision):
        for name, fresh in (("margin", proof.margin), ("ratio", proof.ratio)):
            try:
                low, high = (arb(end) for end in record[name])
            except (TypeError, ValueError):
                raise CertificateError(
                    f"the certificate's enclosure of the {name} is not a pair of decimals."
                ) from None
            if not (low <= arb(fresh[1]) and high >= arb(fresh[0])):
                raise CertificateError(
                    f"the certificate's enclosure of the {name}, [{record[name][0]}, {record[name][1]}], does not "
                    f"come out again: it is in [{fresh[0]}, {fresh[1]}]."
                )


def _require_same_numbers(record: Mapping[str, Any], fresh: dict[str, Any]) -> None:
    """What a reader is shown must be what was proved (to the last digits of a double)."""
    if "counterexample" not in record:  # issued before it was shown
        return
    shown = record["counterexample"]
    if not isinstance(shown, Mapping) or set(shown) != set(fresh):
        raise CertificateError("the certificate's 'counterexample' does not name the parts of its instance.")
    for name, value in fresh.items():
        try:
            same = np.allclose(
                np.asarray(shown[name], dtype=np.float64),
                np.asarray(value, dtype=np.float64),
                rtol=1e-12,
                atol=1e-15,  # a logarithm of nearly one is all rounding
                equal_nan=True,
            )
        except (TypeError, ValueError, OverflowError, RecursionError):
            same = False
        if not same:
            raise CertificateError(
                f"the certificate's counterexample shows another '{name}' than the instance that was proved."
            )
