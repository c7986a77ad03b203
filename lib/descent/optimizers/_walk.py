"""The way of a method that minimizes a function: its points, and the end."""

from dataclasses import dataclass

import numpy as np

from descent.checks import finite_result, float_array, integer, ndim, number
from descent.optimizers._convergence import ConvergenceError
from descent.optimizers.line_search import wolfe_step


@dataclass(frozen=True)
class Minimum:
    """Where a method arrived, and how.

    Attributes
    ----------
    x : float array, (n,)
    value : float
    gradient : float array, (n,)
    trajectory : float array, (iterations + 1, n)
        From the start to ``x``.
    gradient_norms : float array, (iterations + 1,)
        The largest absolute entry of the gradient at each point of the trajectory.
    evaluations : int
        How often the function, which gives value and gradient, was called.
    """

    x: np.ndarray
    value: float
    gradient: np.ndarray
    trajectory: np.ndarray
    gradient_norms: np.ndarray
    evaluations: int

    @property
    def iterations(self):
        """The number of steps."""
        return len(self.trajectory) - 1


class Walk:
    """The present point of a method with its value and gradient, and the way behind it."""

    def __init__(self, function, x0, tolerance, max_iter):
        x0 = float_array("x0", x0)
        ndim("x0", x0, 1, "(n,)")
        self.tolerance = number("tolerance", tolerance, above=0)
        self.max_iter = integer("max_iter", max_iter, at_least=0)
        self.function = function
        self.evaluations = 0
        self.trajectory, self.gradient_norms = [], []
        self._evaluate(x0.copy())
        finite_result(self.value, x0=x0)
        finite_result(self.gradient, gradient=self.gradient)
        self._arrive()

    def goes_on(self):
        """Whether the gradient is still too large; an error if there were too many steps."""
        norm, iterations = self.gradient_norms[-1], len(self.trajectory) - 1
        if norm <= self.tolerance:
            return False
        if iterations == self.max_iter:
            raise ConvergenceError(
                f"after {iterations} steps the largest entry of the gradient is {norm:.3g}, "
                f"expected at most {self.tolerance:.3g}"
            )
        return True

    def step(self, p, line_search=True):
        """Go along p, by the step length that the line search finds or by 1."""
        x, value, slope = self.x, self.value, self.gradient @ p

        def along(t):
            self._evaluate(x + t * p)
            return self.value, self.gradient @ p

        if line_search:
            wolfe_step(along, value, slope)
        else:
            along(1)
        self._arrive()

    def minimum(self):
        return Minimum(
            self.x,
            float(self.value),
            self.gradient,
            np.array(self.trajectory),
            np.array(self.gradient_norms),
            self.evaluations,
        )

    def _evaluate(self, x):
        self.evaluations += 1
        self.x = x
        self.value, gradient = self.function(x)
        self.gradient = np.array(gradient)  # a copy: a network gives the same memory each time
        if self.gradient.shape != x.shape:
            raise ValueError(
                f"function must return a gradient of shape {x.shape}, got {self.gradient.shape}"
            )

    def _arrive(self):
        self.trajectory.append(self.x)
        self.gradient_norms.append(np.abs(self.gradient).max())
