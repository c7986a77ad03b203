"""Exercises of chapter 7: rates of a line, steps, signs, a safe step, what a blow-up tells."""

import math

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def hessian(x, ones=1.0, factor=2.0):
    X = np.stack([x, np.full_like(x, ones)], axis=1)
    return factor / len(x) * X.T @ X


def largest_rate(x):
    return 2 / np.linalg.eigvalsh(hessian(x))[-1]


def largest_rate_cases(rng):
    yield (np.arange(1.0, 11.0),)
    yield (np.array([0.0, 1.0]),)
    yield (np.array([-3.0, 1.0, 2.0]),)
    for size in (4, 30):
        yield (rng.normal(2, 3, size=size),)
    yield (np.array([0.1, 0.2, 0.4]),)


def without_the_bias(x):
    return 2 / (2 * (x**2).mean())


def of_the_smallest(x):
    return 2 / np.linalg.eigvalsh(hessian(x))[0]


def best_rate(x):
    return 2 / np.linalg.eigvalsh(hessian(x)).sum()


def by_the_diagonal(x):
    return 2 / np.diag(hessian(x)).max()


def by_the_largest_input(x):
    return 2 / np.linalg.eigvalsh(hessian(np.full_like(x, abs(x).max())))[-1]


def of_centered_inputs(x):
    return largest_rate(x - x.mean())


def steps_for(kappa, digits):
    if kappa == 1:
        return 1
    return math.ceil(digits * math.log(10) / math.log((kappa + 1) / (kappa - 1)))


def steps_for_cases(rng):
    yield 3, 2
    yield 100, 6
    yield 1, 4
    yield 1.5, 1
    yield 187.1, 3
    yield 12, 9
    yield 1000.0, 6


def by(factor_of, rounding=math.ceil):
    def steps(kappa, digits):
        factor = factor_of(kappa)
        if factor <= 0:
            return 1
        return rounding(digits * math.log(10) / -math.log(factor))

    return steps


def approximate_steps(kappa, digits):
    return math.ceil(kappa / 2 * digits * math.log(10))


def steps_in_natural_digits(kappa, digits):
    return 1 if kappa == 1 else math.ceil(digits / math.log((kappa + 1) / (kappa - 1)))


def steps_not_rounded(kappa, digits):
    return 1.0 if kappa == 1 else digits * math.log(10) / math.log((kappa + 1) / (kappa - 1))


def steps_of_the_loss(kappa, digits):
    return math.ceil(steps_not_rounded(kappa, digits) / 2)


def steps_with_no_round_bowl(kappa, digits):
    return 0 if kappa == 1 else steps_for(kappa, digits)


def standard(kappa):
    return (kappa - 1) / (kappa + 1)


def dominant(A, steps):
    u = np.ones(len(A)) / np.sqrt(len(A))
    for _ in range(steps):
        u = A @ u
        u = u / np.linalg.norm(u)
    return u @ A @ u


def dominant_cases(rng):
    yield np.array([[2.0, 1.0], [1.0, 2.0]]), 1
    yield np.array([[-5.0, 1.0], [1.0, 2.0]]), 60
    yield np.diag([1.0, -3.0, 2.0]), 4
    for size, steps in ((3, 2), (6, 50)):
        half = rng.normal(size=(size, size))
        yield half + half.T, steps
    yield np.array([[4.0]]), 3


def dominant_length(A, steps):
    return abs(dominant(A, steps))


def last_length(A, steps):
    u = np.ones(len(A)) / np.sqrt(len(A))
    for _ in range(steps):
        u = A @ u
        length = np.linalg.norm(u)
        u = u / length
    return length


def dominant_unnormalized(A, steps):
    u = np.ones(len(A)) / np.sqrt(len(A))
    for _ in range(steps):
        u = A @ u
    return u @ A @ u


def dominant_one_more(A, steps):
    return dominant(A, steps + 1)


def dominant_one_less(A, steps):
    return dominant(A, steps - 1)


def exact_largest(A, steps):
    return np.linalg.eigvalsh(A)[-1]


def exact_largest_in_size(A, steps):
    return max(np.linalg.eigvalsh(A), key=abs)


def dominant_from_first(A, steps):
    u = np.eye(len(A))[0]
    for _ in range(steps):
        u = A @ u
        u = u / np.linalg.norm(u)
    return u @ A @ u


def dominant_vector_not_value(A, steps):
    u = np.ones(len(A)) / np.sqrt(len(A))
    for _ in range(steps):
        u = A @ u
        u = u / np.linalg.norm(u)
    return u


def dominant_by_first_entry(A, steps):
    u = np.ones(len(A)) / np.sqrt(len(A))
    for _ in range(steps):
        u = A @ u
        u = u / np.linalg.norm(u)
    return (A @ u)[0] / u[0]


def safe_step(slope, curvature, lr):
    return -slope / curvature if curvature > 0 else -lr * slope


def safe_step_cases(rng):
    yield 2.0, -4.0, 0.1
    yield 2.0, 4.0, 0.1
    yield -3.0, 0.5, 0.2
    yield -3.0, -0.5, 0.2
    yield 1.5, 0.0, 0.3
    yield 0.0, -1.0, 0.1
    yield 5.0, 0.01, 0.1
    yield 5.0, 60.0, 0.1


def newton_step(slope, curvature, lr):
    return -slope / curvature if curvature else 0.0


def absolute_newton(slope, curvature, lr):
    return -slope / abs(curvature) if curvature else -lr * slope


def upward(slope, curvature, lr):
    return -safe_step(slope, curvature, lr)


def descent_only(slope, curvature, lr):
    return -lr * slope


def scaled_newton(slope, curvature, lr):
    return lr * safe_step(slope, curvature, 1.0)


def damped(slope, curvature, lr):
    return -slope / max(curvature, 1 / lr)


def flat_counts_as_curved(slope, curvature, lr):
    return -lr * slope if curvature < 0 else (-slope / curvature if curvature else 0.0)


def descent_by_the_sign(slope, curvature, lr):
    return -slope / curvature if curvature > 0 else -lr * np.sign(slope)


def wrong_way_round(slope, curvature, lr):
    return -slope / curvature if curvature < 0 else -lr * slope


def capped(slope, curvature, lr):
    return -slope / curvature if curvature > 0.1 else -lr * slope


def curvature_from(losses, lr):
    return (1 + np.sqrt(losses[-1] / losses[-2])) / lr


def curvature_cases(rng):
    yield np.array([1.0, 4.0]), 0.1
    yield np.array([5.0, 1.0, 2.25]), 0.5
    for curvature, lr in ((78.58, 0.026), (3.0, 0.9), (20 / 9, 1.0)):
        growth = (1 - lr * curvature) ** 2
        early = np.array([7.0, 2.0, 1.5])
        yield np.concatenate([early, 0.5 * growth ** np.arange(1, 5)]), lr


def without_the_root(losses, lr):
    return (1 + losses[-1] / losses[-2]) / lr


def two_over_the_rate(losses, lr):
    return 2 / lr


def of_a_converging_run(losses, lr):
    return (1 - np.sqrt(losses[-1] / losses[-2])) / lr


def without_the_rate(losses, lr):
    return curvature_from(losses, 1.0)


def times_the_rate(losses, lr):
    return (1 + np.sqrt(losses[-1] / losses[-2])) * lr


def without_the_one(losses, lr):
    return np.sqrt(losses[-1] / losses[-2]) / lr


def upside_down(losses, lr):
    return (1 + np.sqrt(losses[-2] / losses[-1])) / lr


def from_the_first_two(losses, lr):
    return (1 + np.sqrt(losses[1] / losses[0])) / lr


def over_the_whole_run(losses, lr):
    growth = (losses[-1] / losses[0]) ** (1 / (len(losses) - 1))
    return (1 + np.sqrt(growth)) / lr


def from_the_differences(losses, lr):
    return np.sqrt((losses[-1] - losses[-2]) / losses[-2]) / lr


EXERCISES = [
    Exercise(
        "7.1",
        ["x"],
        largest_rate_cases,
        largest_rate,
        [
            Slip(without_the_bias, "Has the intercept a column in your matrix?"),
            Slip(
                lambda x: 2 / np.linalg.eigvalsh(hessian(x, factor=2 * len(x)))[-1],
                "That is the limit of the summed squared error. Where does the 2/N go?",
            ),
            Slip(
                lambda x: 2 / np.linalg.eigvalsh(hessian(x, factor=1.0))[-1],
                "That is the limit of half the squared error: its Hessian lacks the 2.",
            ),
            Slip(
                lambda x: largest_rate(x) / 2,
                "At 1/λmax the steep direction arrives in one step. The limit is twice that.",
            ),
        ],
        near_misses=[
            of_the_smallest,
            best_rate,
            by_the_diagonal,
            by_the_largest_input,
            of_centered_inputs,
            lambda x: largest_rate(x) * len(x),
            lambda x: 1 / largest_rate(x),
            lambda x: largest_rate(x) + 1e-4,
            lambda x: 2 / np.sqrt((hessian(x) ** 2).sum()),
        ],
        praise="It is the number that the program of the opening could not pass.",
    ),
    Exercise(
        "7.2",
        ["kappa", "digits"],
        steps_for_cases,
        steps_for,
        [
            Slip(
                by(lambda kappa: 1 - 1 / kappa),
                "That is the factor at the rate 1/λmax, about twice as many steps as at the "
                "best rate.",
            ),
            Slip(approximate_steps, "κ/2 · log(1/ε) is the approximation for large κ."),
            Slip(steps_in_natural_digits, "A digit is a factor of ten; log(10) is missing."),
        ],
        near_misses=[
            by(standard, math.floor),
            by(standard, round),
            lambda kappa, digits: by(standard, math.floor)(kappa, digits) + 2,
            by(lambda kappa: (math.sqrt(kappa) - 1) / (math.sqrt(kappa) + 1)),
            by(lambda kappa: kappa / (kappa + 1)),
            by(lambda kappa: 1 - 2 / kappa if kappa > 2 else standard(kappa)),
            steps_not_rounded,
            steps_of_the_loss,
            steps_with_no_round_bowl,
        ],
        praise="At κ = 1,000 six digits take 6,908 steps, and at κ = 1 one.",
    ),
    Exercise(
        "7.3",
        ["A", "steps"],
        dominant_cases,
        dominant,
        [
            Slip(last_length, "The length of A u has lost the sign. What is uᵀ A u?"),
            Slip(dominant_length, "The size is right; an eigenvalue also has a sign."),
            Slip(dominant_unnormalized, "The vector must be divided by its length in each step."),
        ],
        near_misses=[
            dominant_one_more,
            dominant_one_less,
            exact_largest,
            exact_largest_in_size,
            dominant_from_first,
            dominant_by_first_entry,
            dominant_vector_not_value,
            lambda A, steps: -dominant(A, steps),
        ],
        praise="Also where the dominant eigenvalue is negative.",
    ),
    Exercise(
        "7.4",
        ["slope", "curvature", "lr"],
        safe_step_cases,
        safe_step,
        [
            Slip(newton_step, "With a negative curvature this step climbs to a maximum."),
            Slip(upward, "The step is to be added; which sign goes down?"),
            Slip(descent_only, "Where the curvature is positive, let it choose the step."),
            Slip(
                absolute_newton,
                "Newton's step by |f″| does go down, but the task asks for descent where the "
                "curvature is not positive.",
            ),
        ],
        near_misses=[
            scaled_newton,
            damped,
            flat_counts_as_curved,
            descent_by_the_sign,
            wrong_way_round,
            capped,
            lambda slope, curvature, lr: safe_step(slope, curvature, 1.0),
            lambda slope, curvature, lr: safe_step(slope, 2 * curvature, lr),
        ],
        praise="It goes down on hills, in valleys, and on flat ground.",
    ),
    Exercise(
        "7.5",
        ["losses", "lr"],
        curvature_cases,
        curvature_from,
        [
            Slip(
                without_the_root,
                "The loss grows by the square of what the distance grows by.",
            ),
            Slip(
                two_over_the_rate, "That is the limit for this rate; the losses say how far over."
            ),
            Slip(
                of_a_converging_run,
                "The run diverges: 1 − ηλ is negative, and its size is ηλ − 1.",
            ),
        ],
        near_misses=[
            without_the_rate,
            times_the_rate,
            without_the_one,
            upside_down,
            from_the_first_two,
            over_the_whole_run,
            from_the_differences,
            lambda losses, lr: curvature_from(losses, lr) / 2,
        ],
        praise="An explosion measures the curvature, in passing.",
    ),
]
