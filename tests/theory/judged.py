"""The verdicts of one file of the catalogue, judged once a session at the quick preset."""

import functools

from simbench.verify import Claim, judge_all


def claims_of(module):
    """Return the names of the claims that a module of the catalogue defines, in its order."""
    claims = [
        thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, Claim)
    ]
    return [claim.name for claim in claims if claim.name and claim.__module__ == module.__name__]


@functools.cache
def judged(module):
    """Return {name: verdict} of all claims of a module."""
    return {verdict.name: verdict for verdict in judge_all(claims_of(module), workers=2)}


def assert_as_expected(verdict):
    """Assert the verdict, that there are controls, and that every one of them was refuted."""
    assert verdict.verdict == verdict.expected, (verdict.problem, verdict.notes)
    assert verdict.controls
    assert [control for control in verdict.controls if not control.refuted] == []
