"""Limits of parameters, inside which float64 holds what they make.

Where labels leave directions to the ridge alone, a Hessian's pivots there are differences of numbers 1 / ridge times as
large. The plain Bradley-Terry fit subtracts nothing (exact flows) and holds from 1e-12 on, against 60 digits. In every
other fit the two dialects part by about 1e-15 / ridge after sixty labels: 8e-10 at 1e-6, 3e-7 at 1e-9, and no number at
1e-15. So 1e-6 is their least. Source: simbench.
"""

from typing import Annotated

from pydantic import Field

from simbench.registry import Positive

SMALLEST_RIDGE, LARGEST_RIDGE = 1e-12, 1e12
SMALLEST_RIDGE_ELSEWHERE = 1e-6  # than in the plain Bradley-Terry fit

Ridge = Annotated[Positive, Field(ge=SMALLEST_RIDGE, le=LARGEST_RIDGE)]
