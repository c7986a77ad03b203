"""Mixing pairs of samples, and their labels with them."""

import numpy as np

from descent.checks import class_labels, float_array, generator, integer, ndim, number


def mixup(inputs, labels, *, classes, alpha=1.0, rng):
    r"""Blend each sample with another of the batch, and their classes in the same proportion.

    .. math::
        \tilde x = \lambda x_i + (1-\lambda)\, x_j,\qquad
        \tilde q = \lambda q_i + (1-\lambda)\, q_j,\qquad
        \lambda \sim \mathrm{Beta}(\alpha, \alpha)

    One :math:`\lambda` holds for the batch, and the partners j are a random permutation, as in
    the authors' code; a sample may meet itself.

    Parameters
    ----------
    inputs : float array, (N, …)
        Such as images.
    labels : int array, (N,)
        In 0 … classes − 1.
    classes : int ≥ 2
        K
    alpha : float > 0
        Small values seldom mix much; 1 draws :math:`\lambda` uniformly.
    rng : numpy.random.Generator

    Returns
    -------
    mixed : float array, (N, …)
    targets : float array, (N, K)
        Distributions, in the inputs' dtype; `cross_entropy` takes them.

    Raises
    ------
    ValueError, TypeError
        Inputs that are not floats, labels that are no classes or not N, an alpha that is not
        positive, no generator.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz (2018), "mixup: Beyond Empirical Risk Minimization", ICLR.

    Examples
    --------
    >>> from descent.regularization import mixup
    >>> inputs, labels = np.eye(3), np.arange(3)
    >>> mixed, targets = mixup(inputs, labels, classes=3, rng=np.random.default_rng(0))
    >>> np.array_equal(mixed, targets), targets.sum(axis=1)
    (True, array([1., 1., 1.]))
    """
    inputs = float_array("inputs", inputs)
    q = _one_hot(inputs, labels, classes)
    share, partner = _draw(len(inputs), alpha, rng)
    mixed = share * inputs + (1 - share) * inputs[partner]
    return mixed, share * q + (1 - share) * q[partner]


def cutmix(images, labels, *, classes, alpha=1.0, rng):
    r"""Paste a box of another image into each image, and mix their classes by area.

    .. math::
        \tilde x = M x_i + (1 - M)\, x_j,\qquad
        \tilde q = \lambda q_i + (1-\lambda)\, q_j,\qquad
        \lambda = \operatorname{mean}(M)

    The mask M is 0 in the box and 1 elsewhere. The box has :math:`\sqrt{1 - \lambda_0}` of the
    image's height and of its width, rounded down, with :math:`\lambda_0 \sim
    \mathrm{Beta}(\alpha, \alpha)`; its middle is uniform over the pixels, and what lies outside
    is lost, so :math:`\lambda` is counted afterwards. One box holds for the batch, and the
    partners j are a random permutation, as in the authors' code.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    labels : int array, (N,)
        In 0 … classes − 1.
    classes : int ≥ 2
        K
    alpha : float > 0
    rng : numpy.random.Generator

    Returns
    -------
    mixed : float array, (N, C, H, W)
    targets : float array, (N, K)
        Distributions, in the images' dtype; `cross_entropy` takes them.

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; labels that are no classes or not N; an alpha
        that is not positive; no generator.

    References
    ----------
    Yun, Han, Oh, Chun, Choe and Yoo (2019), "CutMix: Regularization Strategy to Train Strong
    Classifiers with Localizable Features", ICCV.

    Examples
    --------
    >>> from descent.regularization import cutmix
    >>> images = np.array([0.0, 1.0]).reshape(2, 1, 1, 1) * np.ones((2, 1, 8, 8))
    >>> mixed, targets = cutmix(images, np.array([0, 1]), classes=2, rng=np.random.default_rng(0))
    >>> np.allclose(mixed.mean(axis=(1, 2, 3)), targets[:, 1])
    True
    """
    images = float_array("images", images)
    ndim("images", images, 4, "(N, C, H, W)")
    q = _one_hot(images, labels, classes)
    share, partner = _draw(len(images), alpha, rng)
    rows, columns = (_side(length, share, rng) for length in images.shape[2:])
    mixed = images.copy()
    mixed[:, :, rows, columns] = images[partner][:, :, rows, columns]
    height, width = images.shape[2:]
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    share = 1 - area / (height * width)
    return mixed, share * q + (1 - share) * q[partner]


def _one_hot(inputs, labels, classes):
    classes = integer("classes", classes, at_least=2)
    labels = class_labels("labels", labels, samples=len(inputs), classes=classes)
    return np.eye(classes, dtype=inputs.dtype)[labels]


def _draw(count, alpha, rng):
    alpha = number("alpha", alpha, above=0)
    share = float(generator("rng", rng).beta(alpha, alpha))
    return share, rng.permutation(count)


def _side(length, share, rng):
    side = int(length * np.sqrt(1 - share))
    middle = int(rng.integers(length))
    return slice(max(middle - side // 2, 0), min(middle - side // 2 + side, length))
