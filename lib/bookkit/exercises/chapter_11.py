"""Exercises of chapter 11: UVᵀ, clipping, schedule-free descent, SAM's step, Shampoo's."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def orthogonal_factor(G):
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    kept = s > 1e-12 * s[0]
    return U[:, kept] @ Vt[kept]


def factor_cases(rng):
    yield (np.array([[3.0, 0.0], [0.0, -2.0]]),)
    yield (np.array([[0.0, 2.0], [5.0, 0.0], [0.0, 0.0]]),)
    yield (np.outer([1.0, 2.0], [3.0, -1.0, 2.0]),)
    for shape in ((3, 5), (4, 4)):
        yield (rng.normal(size=shape),)
    yield (1e-9 * rng.normal(size=(2, 3)),)
    yield (rng.normal(size=(4, 2)) @ rng.normal(size=(2, 5)),)
    yield (np.zeros((2, 3)),)


def with_null_directions(G):
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    return U @ Vt


def divided_by_the_values(G):
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    kept = s > 1e-12 * s[0]
    return U[:, kept] / s[kept] @ Vt[kept]


def only_the_largest(G):
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    return np.outer(U[:, 0], Vt[0]) if s[0] > 0 else np.zeros_like(G)


def absolute_limit(G):
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    kept = s > 1e-6
    return U[:, kept] @ Vt[kept]


def over_frobenius(G):
    norm = np.linalg.norm(G)
    return G / norm if norm else G


def over_spectral(G):
    norm = np.linalg.norm(G, 2)
    return G / norm if norm else G


def signs(G):
    return np.sign(G)


def negative(G):
    return -orthogonal_factor(G)


def transposed_right(G):
    U, s, Vt = np.linalg.svd(G)
    k = min(G.shape)
    kept = s > 1e-12 * s[0]
    V = Vt[:k, :k].T
    return U[:, :k][:, kept] @ V[kept] if G.shape[0] == G.shape[1] else orthogonal_factor(G)


def root_of_the_values(G):
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    return U * np.sqrt(s) @ Vt


def clipped(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    factor = max_norm / norm if norm > max_norm else 1.0
    return tuple(factor * g for g in gradients)


def clip_cases(rng):
    yield [np.array([3.0, 4.0])], 1.0
    yield [np.array([0.3, 0.4]), np.array([[0.0, 1.2]])], 1.0
    yield [np.array([0.3, 0.4])], 1.0
    yield [np.array([0.6]), np.array([0.6])], 0.8
    yield [rng.normal(size=(2, 3)), 5 * rng.normal(size=4), rng.normal(size=1)], 2.0
    yield [rng.normal(size=(2, 2)), rng.normal(size=3)], 100.0
    yield [np.zeros(2), np.zeros((1, 2))], 1.0


def layer_by_layer(gradients, max_norm):
    return tuple(clipped([g], max_norm)[0] for g in gradients)


def always(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return tuple(g * max_norm / norm if norm else g for g in gradients)


def entry_by_entry(gradients, max_norm):
    return tuple(np.clip(g, -max_norm, max_norm) for g in gradients)


def by_the_square(gradients, max_norm):
    square = sum((g**2).sum() for g in gradients)
    return tuple(g * max_norm / square if square > max_norm else 1.0 * g for g in gradients)


def by_the_sum_of_norms(gradients, max_norm):
    norm = sum(np.linalg.norm(g) for g in gradients)
    return tuple(g * max_norm / norm if norm > max_norm else 1.0 * g for g in gradients)


def by_the_largest_norm(gradients, max_norm):
    norm = max(np.linalg.norm(g) for g in gradients)
    return tuple(g * max_norm / norm if norm > max_norm else 1.0 * g for g in gradients)


def by_the_largest_entry(gradients, max_norm):
    norm = max(np.abs(g).max() for g in gradients)
    return tuple(g * max_norm / norm if norm > max_norm else 1.0 * g for g in gradients)


def by_the_mean_square(gradients, max_norm):
    count = sum(g.size for g in gradients)
    norm = np.sqrt(sum((g**2).sum() for g in gradients) / count)
    return tuple(g * max_norm / norm if norm > max_norm else 1.0 * g for g in gradients)


def with_the_root_of_the_factor(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return tuple(g * np.sqrt(max_norm / norm) if norm > max_norm else 1.0 * g for g in gradients)


def schedule_free(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = (1 - 1 / t) * x + z / t
    return x


def schedule_free_cases(rng):
    bowl = np.array([1.0, 8.0])
    yield bowl, np.array([1.0, 1.0]), 0.1, 0.9, 1
    yield bowl, np.array([2.0, -1.0]), 0.1, 0.9, 2
    yield bowl, np.array([2.0, -1.0]), 0.1, 0.0, 5
    yield np.array([0.5, 3.0, 1.0]), np.array([1.0, -0.5, 0.2]), 0.05, 0.7, 12
    yield bowl, rng.normal(size=2), 0.2, 0.95, 30


def gradient_at_x(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        z = z - lr * curvatures * x
        x = (1 - 1 / t) * x + z / t
    return x


def weights_shifted(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = (1 - 1 / (t + 1)) * x + z / (t + 1)
    return x


def returns_z(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = (1 - 1 / t) * x + z / t
    return z


def returns_y(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = (1 - 1 / t) * x + z / t
    return (1 - beta) * z + beta * x


def beta_the_wrong_way(curvatures, start, lr, beta, steps):
    return schedule_free(curvatures, start, lr, 1 - beta, steps)


def steps_from_y(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = y - lr * curvatures * y
        x = (1 - 1 / t) * x + z / t
    return x


def averages_the_old_z(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        x = (1 - 1 / t) * x + z / t
        z = z - lr * curvatures * y
    return x


def exponential_average(curvatures, start, lr, beta, steps):
    z = x = start
    for _ in range(steps):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = beta * x + (1 - beta) * z
    return x


def one_step_more(curvatures, start, lr, beta, steps):
    return schedule_free(curvatures, start, lr, beta, steps + 1)


def averages_y(curvatures, start, lr, beta, steps):
    z = x = start
    for t in range(1, steps + 1):
        y = (1 - beta) * z + beta * x
        z = z - lr * curvatures * y
        x = (1 - 1 / t) * x + y / t
    return x


def sam_step(w, curvatures, lr, rho):
    g = curvatures * w
    length = np.linalg.norm(g)
    if length == 0:
        return w
    return w - lr * curvatures * (w + rho * g / length)


def sam_cases(rng):
    bowl = np.array([1.0, 8.0])
    yield np.array([3.0, 4.0]), bowl, 0.1, 0.5
    yield np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 3.0]), 0.01, 0.2
    yield np.array([0.1, 0.05]), bowl, 0.05, 1.0
    for _ in range(2):
        yield rng.normal(size=2), bowl, 0.02, 0.3
    yield np.array([0.0, 0.0]), bowl, 0.1, 0.5


def guarded(step):
    def wrong(w, curvatures, lr, rho):
        g = curvatures * w
        length = np.linalg.norm(g)
        return step(w, curvatures, lr, rho, g, length) if length else w

    return wrong


from_above = guarded(
    lambda w, curvatures, lr, rho, g, n: w + rho * g / n - lr * curvatures * (w + rho * g / n)
)
downhill = guarded(lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w - rho * g / n))
not_divided = guarded(lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w + rho * g))
divided_by_square = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w + rho * g / n**2)
)
by_the_sign = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w + rho * np.sign(g))
)
mean_of_both = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * (g + curvatures * (w + rho * g / n)) / 2
)
sum_of_both = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * (g + curvatures * (w + rho * g / n))
)
uphill_by_the_rate = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w + lr * rho * g / n)
)
upward = guarded(lambda w, curvatures, lr, rho, g, n: w + lr * curvatures * (w + rho * g / n))
by_the_largest = guarded(
    lambda w, curvatures, lr, rho, g, n: w - lr * curvatures * (w + rho * g / np.abs(g).max())
)


def plain_descent(w, curvatures, lr, rho):
    return w - lr * curvatures * w


def power(S, a):
    values, vectors = np.linalg.eigh(S)
    return vectors * values**a @ vectors.T


def shampoo(gradients, eps):
    return shampoo_by()(gradients, eps)


def shampoo_cases(rng):
    yield np.array([[[3.0, 1.0], [0.5, 2.0]], [[1.0, -2.0], [4.0, 0.0]]]), 0.5
    yield rng.normal(size=(1, 2, 4)), 1e-3
    yield rng.normal(size=(3, 3, 2)), 0.1
    yield 5 * rng.normal(size=(4, 3, 3)), 2.0
    yield np.array([[[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]]), 0.25


def shampoo_by(
    left=-1 / 4, right=-1 / 4, root=power, last=-1, eps_of=lambda eps, n: eps, kept=None
):
    """A variant: of the powers, of the gradients that are remembered, of what is divided."""

    def answer(gradients, eps):
        rows, columns = gradients.shape[1:]
        past = gradients if kept is None else kept(gradients)
        ridge = eps_of(eps, len(gradients))
        L = ridge * np.eye(rows) + sum(G @ G.T for G in past)
        R = ridge * np.eye(columns) + sum(G.T @ G for G in past)
        return root(L, left) @ gradients[last] @ root(R, right)

    return answer


def power_of_entries(S, a):
    return np.sign(S) * (np.abs(S) + (S == 0)) ** a


def diagonal_only(S, a):
    return np.diag(np.diag(S) ** a)


def eps_after_the_root(gradients, eps):
    rows, columns = gradients.shape[1:]
    L, R = sum(G @ G.T for G in gradients), sum(G.T @ G for G in gradients)
    L = power(L + 1e-12 * np.eye(rows), 1 / 4) + eps * np.eye(rows)
    R = power(R + 1e-12 * np.eye(columns), 1 / 4) + eps * np.eye(columns)
    return np.linalg.inv(L) @ gradients[-1] @ np.linalg.inv(R)


EXERCISES = [
    Exercise(
        "11.1",
        ["G"],
        factor_cases,
        orthogonal_factor,
        [
            Slip(
                with_null_directions,
                "Directions that are not in the gradient get a 1 too: what svd returns for "
                "them is arbitrary.",
            ),
            Slip(over_frobenius, "That scales the gradient. Its singular values still differ."),
            Slip(signs, "That is the sign of every entry: steepest for another length."),
            Slip(negative, "UVᵀ itself is wanted; the optimizer goes against it."),
        ],
        near_misses=[
            divided_by_the_values,
            only_the_largest,
            absolute_limit,
            over_spectral,
            root_of_the_values,
            lambda G: orthogonal_factor(G).T.reshape(G.shape),
            lambda G: orthogonal_factor(G) / np.sqrt(min(G.shape)),
            lambda G: orthogonal_factor(np.abs(G)),
        ],
        tolerance=1e-7,
        scale=lambda G: 1.0,
        praise="Also where the gradient has fewer directions than the matrix.",
    ),
    Exercise(
        "11.2",
        ["gradients", "max_norm"],
        clip_cases,
        clipped,
        [
            Slip(layer_by_layer, "One norm for each array; the direction of the whole changes."),
            Slip(always, "Short gradients are made longer. They should stay as they are."),
            Slip(entry_by_entry, "That limits each entry, and changes the direction."),
        ],
        near_misses=[
            by_the_square,
            by_the_sum_of_norms,
            by_the_largest_norm,
            by_the_largest_entry,
            by_the_mean_square,
            with_the_root_of_the_factor,
            lambda gradients, max_norm: tuple(1.0 * g for g in gradients),
            lambda gradients, max_norm: tuple(
                g / max(max_norm, np.sqrt(sum((h**2).sum() for h in gradients))) for g in gradients
            ),
        ],
        praise="The direction is the old one, and zeros stay zeros.",
    ),
    Exercise(
        "11.3",
        ["curvatures", "start", "lr", "beta", "steps"],
        schedule_free_cases,
        schedule_free,
        [
            Slip(gradient_at_x, "The gradient is taken at y, between z and x."),
            Slip(
                weights_shifted, "That counts the start as well: the first new z has the share 1."
            ),
            Slip(returns_z, "z is the fast sequence; the average x is what is used."),
            Slip(beta_the_wrong_way, "For β near 1, y is near x."),
        ],
        near_misses=[
            returns_y,
            steps_from_y,
            averages_the_old_z,
            exponential_average,
            one_step_more,
            averages_y,
            lambda curvatures, start, lr, beta, steps: schedule_free(
                curvatures, start, lr, beta, steps - 1
            ),
            lambda curvatures, start, lr, beta, steps: schedule_free(
                curvatures, start, -lr, beta, steps
            ),
        ],
        praise="One run, ready at any step.",
    ),
    Exercise(
        "11.4",
        ["w", "curvatures", "lr", "rho"],
        sam_cases,
        sam_step,
        [
            Slip(from_above, "The step starts from w: come back before you take it."),
            Slip(downhill, "SAM looks uphill: + ρ g/‖g‖."),
            Slip(not_divided, "The look has the length ρ, whatever the gradient's size."),
            Slip(plain_descent, "That is one gradient, taken at w; SAM steps by the second one."),
        ],
        near_misses=[
            divided_by_square,
            by_the_sign,
            mean_of_both,
            sum_of_both,
            uphill_by_the_rate,
            upward,
            by_the_largest,
            lambda w, curvatures, lr, rho: sam_step(w, curvatures, lr, 2 * rho),
        ],
        praise="And at a minimum it stays.",
    ),
    Exercise(
        "11.5",
        ["gradients", "eps"],
        shampoo_cases,
        shampoo,
        [
            Slip(
                shampoo_by(-1 / 2, -1 / 2),
                "With the power −1/2 on both sides each singular value is divided by its square. "
                "Two sides share the root: −1/4 each.",
            ),
            Slip(
                shampoo_by(right=0.0),
                "One side alone takes half of the root. The columns have a matrix, too.",
            ),
            Slip(
                shampoo_by(kept=lambda gradients: gradients[-1:]),
                "That is Shampoo without its memory. Sum over all gradients.",
            ),
            Slip(
                shampoo_by(root=power_of_entries),
                "A power of a matrix is no power of its entries: take that of its eigenvalues.",
            ),
        ],
        near_misses=[
            shampoo_by(1 / 4, 1 / 4),
            shampoo_by(left=0.0),
            shampoo_by(-1 / 2, 0.0),
            shampoo_by(root=diagonal_only),
            shampoo_by(last=0),
            shampoo_by(kept=lambda gradients: gradients / np.sqrt(len(gradients))),
            shampoo_by(kept=lambda gradients: gradients[:-1]),
            shampoo_by(eps_of=lambda eps, n: n * eps),
            shampoo_by(eps_of=lambda eps, n: eps**2),
            eps_after_the_root,
        ],
        tolerance=1e-7,
        praise="After a single gradient, with a small ε, it is nearly UVᵀ.",
    ),
]
