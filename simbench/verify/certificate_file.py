"""Reading a certificate: what a file must look like before anything in it is computed with.

A certificate comes from a stranger. Its size, the types of its entries and the sizes of its numbers are checked
first, so that time and memory stay bounded, and whatever is wrong is one sentence.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simbench.errors import SimbenchError

FORMAT = "simbench certificate 1"
LARGEST_FILE = 2**20  # bytes; those of the catalogue have a few thousand
LONGEST = 4096  # entries of a point, characters of a text
HIGHEST_PRECISION = 4096  # bits; proofs go up to 1024
DECIMAL = re.compile(r"-?(inf|[0-9]{1,100}(\.[0-9]{1,100})?(e[+-]?[0-9]{1,6})?)")


class CertificateError(SimbenchError):
    """A certificate that does not hold; the message says why."""


def read(certificate: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """Return the record of a certificate (a mapping, or the path of its JSON file), its entries checked.

    Raises:
        CertificateError: not readable, not JSON, too large, or an entry is missing or of another type.
    """
    record: Any = certificate if isinstance(certificate, Mapping) else _from_file(certificate)
    if not isinstance(record, Mapping) or record.get("format") != FORMAT:
        raise CertificateError(f"this is no certificate: its 'format' must be '{FORMAT}'.")
    for key, (allowed, what) in ENTRIES.items():
        if key not in record:
            raise CertificateError(f"the certificate lacks '{key}'.")
        if not allowed(record[key]):
            raise CertificateError(f"the certificate's '{key}' cannot be read: it must be {what}.")
    return record


def _from_file(certificate: Any) -> Any:
    if not isinstance(certificate, str | Path):
        raise CertificateError(
            f"a certificate is a mapping or the path of a JSON file, not a {type(certificate).__name__}."
        )
    path = Path(certificate)
    try:
        if not path.is_file():
            raise CertificateError(f"certificate {path} does not exist.")
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise CertificateError(f"certificate {path} cannot be read: {error}.") from None
    if len(text) > LARGEST_FILE:
        raise CertificateError(
            f"certificate {path} has more than {LARGEST_FILE:,} bytes; no certificate has."
        )
    try:
        return json.loads(text)
    except RecursionError:
        raise CertificateError(f"certificate {path} is nested too deeply to be one.") from None
    except ValueError as error:
        raise CertificateError(f"certificate {path} is not JSON: {error}.") from None


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _double(value: Any) -> bool:
    try:
        return _text(value) and math.isfinite(float.fromhex(value))
    except (ValueError, OverflowError):
        return False


def _natural(value: Any, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest


def _enclosure(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(_text(end) and DECIMAL.fullmatch(end) is not None for end in value)
    )


def _shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= 8 and all(_natural(n, LONGEST) for n in value)


def _point(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= LONGEST and all(_double(x) for x in value)


ENTRIES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "claim": (_text, "a name"),
    "file": (_text, "a text"),
    "statement": (_text, "a digest"),
    "domain": (lambda value: value in ("domain", "tight_on"), "'domain' or 'tight_on'"),
    "shape": (_shape, f"a list of integers in [1, {LONGEST}]"),
    "constant": (_double, "a finite hexadecimal double"),
    "point": (_point, "a list of finite hexadecimal doubles"),
    "precision": (
        lambda value: _natural(value, HIGHEST_PRECISION) and value >= 2,
        f"an integer number of bits in [2, {HIGHEST_PRECISION}]",
    ),
    "margin": (_enclosure, "a pair of decimals"),
    "ratio": (_enclosure, "a pair of decimals"),
    "digest": (_text, "a digest"),
}
