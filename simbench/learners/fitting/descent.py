"""Constants of Newton descent with a line search, shared by the box, the tabular and the linear fit in both dialects.

A direction d of range h is tried at the lengths `LONGER_STEPS` first, where the problem is convex, and then at the
guaranteed length log1p(h)/h of `fitting/bradley_terry.py`. A length is taken if it keeps the share `ARMIJO` of the
decrease that its slope promises, up to rounding.
"""

ARMIJO = 1e-4  # share of the promised decrease that a step must keep
ROUNDING = 1e-12  # of an objective, relative to the labels and the bonus in it
LONGER_STEPS = (1.0, 0.125, 0.015625)  # tried before the guaranteed length, when convex
SMALL_STEP = 1e-9  # a full Newton step of this range leaves an error beyond rounding
MAX_PASSES = 1000  # in a box, each moves, or corrects which coordinates are pinned
PINNING = 1e-13  # a coordinate this far out of the box, per unit of 1 + R, is inside; forces likewise
PATIENCE = 3  # guesses that may not lessen the number of wrong coordinates before they change one at a time
BONUS_STEPS = 4000  # a step moves a softmax of scale beta by little: R / beta of them when beta is tiny
SECULAR_STEPS = 60  # six are many
SECULAR_TOLERANCE = 1e-14  # of | ||theta + d|| - radius |, relative
