"""The choice of a function class that all named learners share, with the parameters of each class.

tabular   one reward per cell, ridge                     box      the same within [0, R]
linear    features x theta, theta in a ball, ridge       finite   the world's reward_class
"""

from typing import Any, Literal

from simbench.learners.fitting.limits import Ridge
from simbench.learners.parts.box import Box
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.function_class import FunctionClass
from simbench.learners.parts.linear import Linear
from simbench.learners.parts.tabular import Tabular
from simbench.learners.sentence import Sentence
from simbench.registry import Positive, parameters


@parameters
class FittedLearner(Sentence):
    """A sentence whose function class is a parameter.

    Args:
        model: the function class.
        ridge: lambda of the penalty (lambda / 2) ||r||^2 per prompt, around R / 2 in the box, or (lambda / 2)
            ||theta||^2; the finite class has none.
        radius: B of the ball ||theta|| <= B of the linear class.
    """

    model: Literal["tabular", "box", "linear", "finite"] = "tabular"
    ridge: Ridge = 1.0
    radius: Positive = 10.0

    def function_class(self) -> FunctionClass[Any]:
        """Return the class that `model` names."""
        return named_class(self.model, ridge=self.ridge, radius=self.radius)


def named_class(model: str, *, ridge: float, radius: float) -> FunctionClass[Any]:
    """Return the class called `model` ("tabular", "box", "linear", "finite") with those of the numbers that it has."""
    if model == "tabular":
        return Tabular(ridge=ridge)
    if model == "box":
        return Box(ridge=ridge)
    if model == "linear":
        return Linear(ridge=ridge, radius=radius)
    return Finite()
