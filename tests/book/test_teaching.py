"""What a teacher's note has measured comes out again."""

import re
from pathlib import Path

import numpy as np

from descent.data import digits
from descent.evaluation import evaluate
from descent.losses import cross_entropy
from descent.networks import MLP
from descent.optimizers import AdamW
from descent.training import train


def last_loss(seed, lr, weight_decay):
    """Validation loss after two epochs; the seed fixes split, weights and order of batches."""
    learned, validation, _ = digits(validation_size=300, rng=np.random.default_rng(seed), flat=True)
    start, order = np.random.default_rng(seed).spawn(2)
    net = MLP([64, 32, 10], rng=start)
    adamw = AdamW(net.parameters(), lr=lr, weight_decay=weight_decay)
    options = {"epochs": 2, "batch_size": 32, "rng": order, "progress": False}
    train(net, cross_entropy, adamw, learned, **options)
    return evaluate(net, cross_entropy, validation.images, validation.labels)["loss"]


def grid_minus_random(seed):
    """Best loss of a 4 × 4 grid minus that of 16 random trials, in the same moved range."""
    rng = np.random.default_rng([seed, 7])
    low = -5 + rng.uniform(-0.5, 0.5)
    grid = [(low + 1.25 * (i + 0.5), -3.5 + j) for i in range(4) for j in range(4)]
    drawn = np.column_stack([low + 5 * rng.random(16), -4 + 4 * rng.random(16)])
    best = [min(last_loss(seed, 10.0**a, 10.0**b) for a, b in points) for points in (grid, drawn)]
    return best[0] - best[1]


def test_grid_or_random_is_what_the_note_to_exercise_18_7_says():
    note = Path("book/teaching/chapter-18.md").read_text("utf-8")
    said = re.search(
        r"random search's was (0\.\d+), with a standard error of (0\.\d+); "
        r"random search was better in (\d+) of 20",
        note,
    )
    differences = np.array([grid_minus_random(seed) for seed in range(20)])
    error = differences.std(ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(
        [differences.mean(), error], [*map(float, said.groups()[:2])], atol=0.006
    )
    assert abs((differences > 0).sum() - int(said[3])) <= 1
