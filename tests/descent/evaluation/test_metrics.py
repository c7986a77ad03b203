import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score

from descent.evaluation import accuracy, balanced_accuracy, top_k_accuracy

METRICS = [accuracy, balanced_accuracy, top_k_accuracy]
few = settings(max_examples=20, derandomize=True, deadline=None)


def random_case(seed, n, classes):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, classes)), rng.integers(classes, size=n)


@few
@given(seed=st.integers(0, 99), n=st.integers(1, 40), classes=st.integers(2, 5))
def test_agree_with_scikit_learn(seed, n, classes):
    logits, labels = random_case(seed, n, classes)
    predicted = logits.argmax(axis=1)
    assert np.isclose(accuracy(logits, labels), accuracy_score(labels, predicted))
    expected = np.mean([(predicted[labels == c] == c).mean() for c in set(labels.tolist())])
    assert np.isclose(balanced_accuracy(logits, labels), expected)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_agrees_with_scikit_learn(k):
    logits, labels = random_case(0, 50, 4)
    expected = top_k_accuracy_score(labels, logits, k=k)
    assert np.isclose(top_k_accuracy(logits, labels, k=k), expected)


def test_balanced_accuracy_agrees_with_scikit_learn():
    logits, labels = random_case(1, 50, 4)
    expected = balanced_accuracy_score(labels, logits.argmax(axis=1))
    assert np.isclose(balanced_accuracy(logits, labels), expected)


def test_by_hand():
    logits = np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    labels = np.array([0, 1, 0, 1])
    assert accuracy(logits, labels) == 0.5
    assert balanced_accuracy(logits, labels) == 0.5
    assert balanced_accuracy(logits, np.array([0, 0, 1, 2])) == pytest.approx(2 / 3)
    assert top_k_accuracy(logits, labels, k=2) == 1.0
    assert top_k_accuracy(logits, np.array([1, 2, 2, 0]), k=2) == 0.25


def test_top_k_by_default_looks_at_five():
    logits = np.arange(7.0)[None, ::-1]
    assert top_k_accuracy(logits, np.array([4])) == 1
    assert top_k_accuracy(logits, np.array([5])) == 0


def test_of_equal_logits_the_first_counts():
    tie = np.zeros((3, 3))
    labels = np.array([0, 1, 2])
    assert accuracy(tie, labels) == top_k_accuracy(tie, labels, k=1) == pytest.approx(1 / 3)
    assert top_k_accuracy(tie, labels, k=2) == pytest.approx(2 / 3)


@few
@given(seed=st.integers(0, 99), n=st.integers(1, 40), classes=st.integers(2, 6))
def test_top_k_is_its_formula_where_logits_are_equal(seed, n, classes):
    rng = np.random.default_rng(seed)
    logits = rng.integers(3, size=(n, classes)) - rng.choice(
        [0.0, np.inf], size=(n, classes), p=[0.9, 0.1]
    )
    labels = rng.integers(classes, size=n)
    for k in range(1, classes + 1):
        right = [
            sum(z > row[y] for z in row) + sum(z == row[y] for z in row[:y]) < k
            for row, y in zip(logits, labels, strict=True)
        ]
        assert top_k_accuracy(logits, labels, k=k) == pytest.approx(np.mean(right))
    assert top_k_accuracy(logits, labels, k=1) == accuracy(logits, labels)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("options", [{}, {"ignore_index": -1}, {"ignore_index": 2}])
def test_ignored_samples_do_not_count_whatever_their_logits(metric, options):
    logits, labels = random_case(3, 40, 6)
    ignored = np.arange(40) % 3 == 0
    labels[~ignored] %= 2
    expected = metric(logits[~ignored], labels[~ignored])
    labels[ignored], logits[ignored] = options.get("ignore_index", -100), np.nan
    assert metric(logits, labels, **options) == expected
    with pytest.raises(ValueError, match="labels: every sample is ignored"):
        metric(logits[ignored], labels[ignored], **options)


@pytest.mark.parametrize("metric", METRICS)
def test_return_a_float_for_either_dtype(metric):
    logits = np.eye(6, dtype=np.float32)
    assert type(metric(logits, np.arange(6))) is float
    assert metric(logits, np.arange(6)) == 1.0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (np.eye(6), np.arange(5), ValueError, r"labels must have shape \(6,\)"),
        (np.eye(6), np.eye(6, dtype=int), ValueError, r"labels must have shape \(6,\)"),
        (np.eye(6), np.arange(6) + 1, ValueError, "labels must lie in 0 … 5, got 6 at index 5"),
        (np.eye(6), np.arange(6.0), TypeError, "labels must be integer class indices"),
        (np.arange(6), np.arange(6), TypeError, "logits must be float32 or float64"),
        (np.ones(6), np.arange(6), ValueError, r"logits must have shape \(N, K\), got \(6,\)"),
        (np.full((6, 6), np.nan), np.arange(6), ValueError, "logits must not be nan, got 36"),
    ],
)
def test_bad_input(metric, logits, labels, error, message):
    with pytest.raises(error, match=message):
        metric(logits, labels)


@pytest.mark.parametrize("k", [0, 7])
def test_bad_k(k):
    with pytest.raises(ValueError, match=f"k must be finite and ≥ 1 and ≤ 6, got {k}"):
        top_k_accuracy(np.eye(6), np.arange(6), k=k)
    assert top_k_accuracy(np.eye(6), np.arange(6), k=6) == 1
