"""What cannot work is found before the first step: data that are none, steps that must fail."""

from contextlib import contextmanager
from copy import deepcopy

import numpy as np

from descent.checks import (
    NotFiniteError,
    NothingCountsError,
    float_array,
    plain_array,
    refuse_probabilities,
)
from descent.data import LabeledImages
from descent.evaluation import evaluate, predict
from descent.training._generators import generator_states, restore_generators
from descent.training.accumulation import accumulate_gradients

MANY = 2000  # more different integers are counts rather than classes


def inputs_and_targets(name, data):
    """Return the two arrays of `LabeledImages` or of a pair.

    Raises
    ------
    TypeError
        Data of another kind, inputs that are not floats.
    ValueError
        Numbers of inputs and targets that differ, nan or inf among them.
    """
    if isinstance(data, LabeledImages):
        data = data.images, data.labels
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(
            f"{name} must be LabeledImages or a pair (inputs, targets), got {type(data).__name__}"
        )
    inputs, targets = (
        float_array(f"{name}: inputs", data[0]),
        plain_array(f"{name}: targets", data[1]),
    )
    if inputs.shape[:1] != targets.shape[:1]:
        raise ValueError(
            f"{name} must have one target for each input, but inputs has shape {inputs.shape}, "
            f"targets has shape {targets.shape}"
        )
    if targets.dtype.kind not in "biuf":
        raise TypeError(f"{name}: targets must be numbers, got {targets.dtype}")
    for part, array in (("inputs", inputs), ("targets", targets)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: {part} must be finite, got nan or inf")
    return inputs, targets


def rehearse_training(net, loss, data, *, batch_size, drop_last, accumulate, augment, rng):
    """Go forward and backward with batches of the sizes that will come, and change nothing.

    Every class label takes part. Nothing is said of a loss that is nan or infinite: training
    will.
    """
    inputs, targets = data
    size = min(batch_size, len(inputs))
    rest = 0 if drop_last else len(inputs) % size
    rng = deepcopy(rng)

    def step(rows):
        x, y = inputs[rows], targets[rows]
        if augment is not None:
            x, y = augment(x, y, rng)
        accumulate_gradients(net, loss, x, y, shards=accumulate)
        return x, y

    with _unchanged(net):
        net.train()
        rows = _one_of_each(targets, at_least=size)
        with _refusing("data", rows):
            for batch in np.resize(rows, (-(-len(rows) // size), size)):  # some rows come again
                last = step(batch)
            outputs = refuse_softmax(net, loss, *last)
            if augment is None:
                batches = len(inputs) // size + (rest > 0)
                _refuse_batches_of_nothing(loss, outputs[:1], targets, batches)
        if rest:
            advice = f"; the last batch has only {rest} of the samples: try drop_last=True"
            with _refusing("data", rows[:rest], advice):
                try:
                    step(rows[:rest])
                except ValueError:  # all of them may be ignored, but then the others are not
                    step(rows[-rest:])


def _refuse_batches_of_nothing(loss, output, targets, batches):
    """Refuse labels that are ignored so often that they must fill a batch of every epoch."""
    if not np.issubdtype(targets.dtype, np.integer) or len(labels := np.unique(targets)) > MANY:
        return
    ignored = [y for y in labels if not _counts(loss, output, np.full_like(targets[:1], y))]
    counts = ~np.isin(targets, ignored).reshape(len(targets), -1)
    counting = np.count_nonzero(counts.any(axis=1))
    if counting < batches:
        raise ValueError(
            f"only {counting} of {len(targets)} samples count, the others are ignored or have "
            f"weight 0; of the {batches} batches of an epoch, one at least would have a mean over "
            "nothing. Leave such samples out, or take larger batches"
        )


def _counts(loss, output, target):
    try:
        loss(output, target)
    except NothingCountsError:
        return False
    except (TypeError, ValueError):  # it cannot be asked about one sample
        return True
    return True


def rehearse_validation(net, loss, data, metrics):
    """Evaluate a part of the validation data, in which every class label takes part."""
    inputs, targets = data
    rows = _one_of_each(targets, at_least=min(256, len(inputs)))
    with _refusing("validation", rows):
        evaluate(net, loss, inputs[rows], targets[rows], metrics=metrics)


def refuse_softmax(net, loss, inputs, targets, at_most=256):
    """Refuse a network that ends in a softmax under a loss that applies one itself.

    Such a loss takes logits: to add 1 to all of them does not change it. Returns the outputs.
    """
    outputs, targets = predict(net, inputs[:at_most]), targets[:at_most]
    if outputs.ndim == 2 and (outputs != outputs[0, 0]).any():
        try:
            refuse_probabilities("the network's outputs", outputs)
        except ValueError:
            if _takes_logits(loss, outputs, targets):
                raise
    return outputs


def _takes_logits(loss, outputs, targets):
    try:
        return np.isclose(loss(outputs + 1, targets)[0], loss(outputs, targets)[0], rtol=1e-4)
    except ValueError:  # it takes probabilities
        return False


def _one_of_each(targets, *, at_least):
    """Rows in which every integer target occurs, then others, if these are too few."""
    if not np.issubdtype(targets.dtype, np.integer):
        return np.arange(at_least)
    first = np.unique(targets, return_index=True)[1] // targets[0].size
    if len(first) > MANY:  # the smallest and the largest will do
        first = np.concatenate([first[: MANY // 2], first[-MANY // 2 :]])
    first = np.unique(first)
    others = np.setdiff1d(np.arange(at_least), first)
    return np.concatenate([first, others[: max(at_least - len(first), 0)]])


@contextmanager
def _refusing(name, rows, advice=""):
    tried = ", ".join(map(str, rows[:10])) + (", …" if len(rows) > 10 else "")
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except NotFiniteError:
        pass
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}, tried with the rows {tried}: {error}{advice}") from error


@contextmanager
def _unchanged(net):
    """Put back gradients, buffers, modes and generators, which a pass in training mode changes."""

    def arrays():
        return [p.grad for p in net.parameters()] + list(net.named_buffers().values())

    before = [array.copy() for array in arrays()]
    modes, states = [(layer, layer.training) for layer in net.modules()], generator_states(net)
    try:
        yield
    finally:
        for array, value in zip(arrays(), before, strict=True):
            array[...] = value
        for layer, mode in modes:
            layer.training = mode
        restore_generators(net, states)
