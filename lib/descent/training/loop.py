"""The training loop."""

import inspect
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import numpy as np
from tqdm import tqdm

from descent.checks import NotFiniteError, NothingCountsError, generator, integer
from descent.data import batches
from descent.evaluation import default_metrics, evaluate
from descent.optimizers.schedules import LRScheduler
from descent.training._rehearsal import (
    inputs_and_targets,
    rehearse_training,
    rehearse_validation,
)
from descent.training.accumulation import accumulate_gradients, finite
from descent.training.history import History


def train(
    net,
    loss,
    optimizer,
    data,
    *,
    epochs,
    batch_size,
    rng,
    drop_last=False,
    augment=None,
    accumulate=1,
    clip=None,
    schedule=None,
    validation=None,
    metrics=None,
    after_step=(),
    after_epoch=(),
    history=None,
    progress=True,
):
    """Train a network by passing over the data in shuffled batches.

    Each step gives the optimizer a closure, which sets the gradients to zero, adds up the
    gradient of a batch and returns its loss. After each epoch the network is evaluated on the
    validation data, and what else is to happen then is called.

    What cannot work is refused before the first step: forward and backward passes are tried,
    with batches of the sizes that will come and every class label, and an evaluation with some
    of the validation data. They leave no trace in the network and in `rng`.

    Parameters
    ----------
    net : Layer
        Left in training mode; `predict` and `evaluate` switch by themselves.
    loss : callable
        Takes (outputs, targets), returns (value, gradient), reduced by the mean.
    optimizer : Optimizer
        Of the network's parameters; left as ``optimizer.eval()`` leaves it.
    data, validation : LabeledImages, or a pair (inputs, targets)
    epochs : int ≥ 0
        How many more, if a `history` is given.
    batch_size : int ≥ 1
        The last batch of an epoch is smaller if it does not divide the number of samples.
    rng : numpy.random.Generator
        Shuffles, and serves `augment`.
    drop_last : bool
        Leave out a last batch that would be smaller. Batch normalization cannot use a last
        batch of one.
    augment : callable, optional
        Takes (inputs, targets, rng) of a batch, which it may change, and returns both.
    accumulate : int ≥ 1
        Cut each batch into so many shards and add up their gradients; see
        `accumulate_gradients`.
    clip : callable, optional
        Takes the list of parameters that the optimizer moves and limits their gradients in place.
    schedule : object with step(), optional
        Called after every step of the optimizer: count its time in steps.
    metrics : dict from str to callable, optional
        For the validation, as in `evaluate`.
    after_step, after_epoch : callable, or list of callables
        Each takes the history, whose last entries are those of this step or epoch. Training ends
        after an epoch for which one of them returned True; the others are called all the same.
    history : History, optional
        Of the run that this one continues. It is extended in place, so that it still tells the
        story if the run fails.
    progress : bool
        Whether to show a bar; the environment variable TQDM_DISABLE=1 hides it everywhere.

    Returns
    -------
    history : History

    Raises
    ------
    ValueError, TypeError
        Numbers that make no sense, data that do not fit the network, the loss or the metrics, an
        optimizer of another network, a schedule of another optimizer or one that ends too soon.
        Nothing has been changed then.
    FloatingPointError
        A loss or a gradient that became nan or infinite; the message says after how many steps,
        and what is the likely cause.
    ValueError
        In the middle, a batch whose labels are all ignored: its mean is 0/0, for which PyTorch
        computes nan. Where so many are ignored that it must come to that, before the first step.

    Examples
    --------
    >>> from descent.training import train
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(2, 8, rng=rng), ReLU(), Linear(8, 2, rng=rng))
    >>> x = rng.normal(size=(200, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> history = train(
    ...     net, cross_entropy, SGD(net.parameters(), lr=0.5), (x[:150], y[:150]), epochs=20,
    ...     batch_size=10, rng=rng, validation=(x[150:], y[150:]), progress=False)
    >>> history.step, history.validation["accuracy"][-1] > 0.9
    (300, True)

    Early stopping, and a rate that falls when the validation no longer improves, watch each
    epoch. The best weights are put back by hand: `train` leaves the last ones, which a checkpoint
    (``lambda history: save(path, net=net, optimizer=sgd, rng=rng, history=history)``) needs.

    >>> from descent.optimizers.schedules import ReduceLROnPlateau
    >>> from descent.regularization import EarlyStopping
    >>> sgd = SGD(net.parameters(), lr=0.5)
    >>> stopping, plateau = EarlyStopping(patience=5), ReduceLROnPlateau(sgd, patience=2)
    >>> def watch(history):
    ...     value = history.validation["loss"][-1]
    ...     plateau.step(value)
    ...     return stopping.step(value, net)
    >>> history = train(
    ...     net, cross_entropy, sgd, (x[:150], y[:150]), epochs=99, batch_size=10, rng=rng,
    ...     validation=(x[150:], y[150:]), after_epoch=watch, progress=False)
    >>> history.epoch == stopping.best_step + 5 < 99
    True
    >>> stopping.restore(net)
    """
    inputs, targets = inputs_and_targets("data", data)
    if validation is not None:
        validation = inputs_and_targets("validation", validation)
        metrics = default_metrics(validation[1]) if metrics is None else metrics
    history = History() if history is None else history
    after_step, after_epoch = _as_list(after_step), _as_list(after_epoch)
    generator("rng", rng)
    epochs = integer("epochs", epochs, at_least=0)
    most = len(inputs) if drop_last else None
    batch_size = integer("batch_size", batch_size, at_least=1, at_most=most)
    accumulate = integer("accumulate", accumulate, at_least=1, at_most=batch_size)
    steps = epochs * (len(inputs) // batch_size if drop_last else -(-len(inputs) // batch_size))
    _check_callables(clip, schedule, after_step, after_epoch)
    _check_parts(net, optimizer, history, validation)
    if isinstance(schedule, LRScheduler):
        _check_schedule(schedule, optimizer, steps, may_stop=bool(after_epoch))
    rehearse_training(
        net,
        loss,
        (inputs, targets),
        batch_size=batch_size,
        drop_last=drop_last,
        accumulate=accumulate,
        augment=augment,
        rng=rng,
    )
    if validation is not None:
        rehearse_validation(net, loss, validation, metrics)

    def loss_and_gradient(x, y):
        optimizer.zero_grad()
        value = accumulate_gradients(net, loss, x, y, shards=accumulate)
        if clip is not None:
            clip(optimizer.parameters())
        return value

    with _progress_bar(steps, progress) as bar, _failures_explained(history):
        for _ in range(epochs):
            net.train()
            optimizer.train()
            start, total, samples = perf_counter(), 0.0, 0
            for x, y in batches(inputs, targets, batch_size, rng=rng, drop_last=drop_last):
                if augment is not None:
                    x, y = augment(x, y, rng)
                value = optimizer.step(partial(loss_and_gradient, x, y))
                history.loss.append(value)
                history.lr.append(optimizer.param_groups[0]["lr"])
                if schedule is not None:
                    schedule.step()
                for hook in after_step:
                    hook(history)
                total, samples = total + value * len(x), samples + len(x)
                bar.update()
            seconds = perf_counter() - start

            optimizer.eval()
            if validation is not None:
                results = evaluate(net, loss, *validation, metrics=metrics)
                finite(results["loss"])
                for name, result in results.items():
                    history.validation.setdefault(name, []).append(result)
            history.seconds.append(seconds)
            history.epoch_loss.append(total / samples)
            bar.set_postfix_str(f"loss {history.epoch_loss[-1]:.4g}")
            answers = [hook(history) for hook in after_epoch]
            if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
                break
    return history


def _as_list(hooks):
    return [hooks] if callable(hooks) else list(hooks)


def _check_callables(clip, schedule, after_step, after_epoch):
    if clip is not None:
        _check_call("clip", clip, "the list of parameters")
    if schedule is not None:
        advice = (
            "; what watches a result, as ReduceLROnPlateau does, belongs to after_epoch, for "
            'example lambda history: plateau.step(history.validation["loss"][-1])'
        )
        _check_call("schedule.step", schedule.step, advice=advice)
    for name, hooks in (("after_step", after_step), ("after_epoch", after_epoch)):
        for hook in hooks:
            _check_call(name, hook, "the history")


def _check_call(name, function, *arguments, advice=""):
    wanted = " and ".join(arguments) or "no argument"
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise TypeError(
            f"{name} must be callable with {wanted}, got {function!r}: {error}{advice}"
        ) from error


def _check_parts(net, optimizer, history, validation):
    if not set(optimizer.parameters()) & set(net.parameters()):
        raise ValueError(
            "optimizer moves no parameter of net: was it made for another network, or are all "
            "frozen?"
        )
    validated = len(history.validation.get("loss", []))
    if history.epoch and (validated > 0) != (validation is not None):
        raise ValueError(
            f"history has {history.epoch} epochs, {validated} of them validated; continue "
            f"{'with' if validated else 'without'} validation data"
        )


def _check_schedule(schedule, optimizer, steps, *, may_stop):
    groups = [] if schedule.optimizer is None else schedule.groups()
    if not any(group is own for group in groups for own in optimizer.param_groups):
        raise ValueError("schedule changes no rate of optimizer: was it made for another one?")
    if not may_stop:
        try:
            schedule.rates(schedule.last_epoch + steps)
        except ValueError as error:
            raise ValueError(f"schedule must reach as far as the {steps} steps: {error}") from error


@contextmanager
def _failures_explained(history):
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except NotFiniteError as error:
        likely = "No step was taken yet: look at the initial weights, the labels and the loss."
        if history.step:
            likely = (
                f"The last learning rate was {history.lr[-1]:g}, which is probably too high: "
                "try a tenth of it, or limit the gradients with clip."
            )
        raise FloatingPointError(
            f"training diverged after {history.step} steps, in epoch {history.epoch + 1}: "
            f"{error}. {likely}"
        ) from error
    except NothingCountsError as error:
        raise ValueError(
            f"training stopped after {history.step} steps, in epoch {history.epoch + 1}, at a "
            f"batch in which nothing counts: {error}. Leave such samples out, or take larger "
            "batches"
        ) from error


def _progress_bar(steps, progress):
    # Passing disable=False would overrule the environment variable TQDM_DISABLE.
    return tqdm(total=steps, unit="step") if progress else tqdm(total=steps, disable=True)
