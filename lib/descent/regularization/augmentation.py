"""Changes to images that keep their class: each function returns a changed copy of a batch.

What is random is drawn anew for every image. What comes in from outside the frame is zero.
"""

import numpy as np
from scipy import ndimage

from descent.checks import float_array, generator, integer, ndim, number


def shift(images, down, right):
    r"""Move images by whole pixels, exactly; zeros fill the space.

    .. math:: y_{n,c,i,j} = x_{n,c,\,i-d_n,\,j-r_n}

    Parameters
    ----------
    images : float array, (N, C, H, W)
    down, right : int, or int array, (N,)
        :math:`d` and :math:`r`; negative is up and left.

    Returns
    -------
    shifted : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; shifts that are not whole numbers, one or N.

    Examples
    --------
    >>> from descent.regularization import shift
    >>> shift(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), down=1, right=0)
    array([[[[0., 0.],
             [1., 2.]]]])
    """
    images = _images(images)
    count, _, height, width = images.shape
    down = np.clip(_whole("down", down, count), -height, height)
    right = np.clip(_whole("right", right, count), -width, width)
    margin = int(max(np.abs(down).max(), np.abs(right).max()))
    return _cut(_pad(images, margin), margin - down, margin - right, height, width)


def random_shift(images, pixels=1, *, rng):
    """Move each image by up to some pixels, up or down and left or right; zeros fill the space.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    pixels : int ≥ 0
        Both shifts are uniform among −pixels … pixels.
    rng : numpy.random.Generator

    Returns
    -------
    shifted : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; negative pixels; no generator.

    Examples
    --------
    >>> from descent.regularization import random_shift
    >>> images = np.pad(np.ones((5, 1, 2, 2)), ((0, 0), (0, 0), (1, 1), (1, 1)))
    >>> random_shift(images, 1, rng=np.random.default_rng(0)).sum(axis=(1, 2, 3))
    array([4., 4., 4., 4., 4.])
    """
    images = _images(images)
    pixels = integer("pixels", pixels, at_least=0)
    size = (2, len(images))
    return shift(images, *generator("rng", rng).integers(-pixels, pixels, size, endpoint=True))


def random_crop(images, size, *, padding=0, rng):
    """Cut a window of fixed size at a random place out of each image.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    size : int, or pair of ints
        Height and width of the window, at most those of the padded image.
    padding : int ≥ 0
        Zeros put around the image first; ``size=32, padding=4`` is the usual choice for CIFAR-10.
    rng : numpy.random.Generator

    Returns
    -------
    cropped : float array, (N, C, height, width)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; a window that does not fit; negative padding;
        no generator.

    Examples
    --------
    >>> from descent.regularization import random_crop
    >>> random_crop(np.ones((5, 3, 8, 8)), 6, rng=np.random.default_rng(0)).shape
    (5, 3, 6, 6)
    """
    images = _images(images)
    padding = integer("padding", padding, at_least=0)
    height, width = size if np.ndim(size) else (size, size)
    room = [axis + 2 * padding for axis in images.shape[2:]]
    height = integer("size: height", height, at_least=1, at_most=room[0])
    width = integer("size: width", width, at_least=1, at_most=room[1])
    count = len(images)
    tops = generator("rng", rng).integers(room[0] - height, size=count, endpoint=True)
    lefts = rng.integers(room[1] - width, size=count, endpoint=True)
    return _cut(_pad(images, padding), tops, lefts, height, width)


def random_flip(images, p=0.5, *, rng):
    """Mirror each image, left to right, with a probability.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    p : float in [0, 1]
    rng : numpy.random.Generator

    Returns
    -------
    flipped : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; a p outside [0, 1]; no generator.

    Examples
    --------
    >>> from descent.regularization import random_flip
    >>> random_flip(np.array([[[[1.0, 2.0, 3.0]]]]), 1.0, rng=np.random.default_rng(0))
    array([[[[3., 2., 1.]]]])
    """
    images = _images(images)
    p = number("p", p, at_least=0, at_most=1)
    flipped = generator("rng", rng).random(len(images)) < p
    return np.where(flipped[:, None, None, None], images[..., ::-1], images)


def rotate(images, degrees):
    r"""Turn images around their center, counter-clockwise, by bilinear interpolation.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    degrees : float, or float array, (N,)

    Returns
    -------
    rotated : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; angles that are not finite, one or N.

    Examples
    --------
    >>> from descent.regularization import rotate
    >>> rotate(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 90).round(9)
    array([[[[2., 4.],
             [1., 3.]]]])
    """
    images = _images(images)
    angles = np.deg2rad(_real("degrees", degrees, len(images)))
    cos, sin = np.cos(angles), np.sin(angles)
    return _warp(images, np.array([[cos, sin], [-sin, cos]]))


def random_rotate(images, degrees=15.0, *, rng):
    """Turn each image by an angle that is uniform in ±degrees; see `rotate`.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    degrees : float ≥ 0
    rng : numpy.random.Generator

    Returns
    -------
    rotated : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; a negative angle; no generator.

    Examples
    --------
    >>> from descent.regularization import random_rotate
    >>> random_rotate(np.ones((5, 1, 8, 8)), 10, rng=np.random.default_rng(0)).shape
    (5, 1, 8, 8)
    """
    images = _images(images)
    degrees = number("degrees", degrees, at_least=0)
    return rotate(images, generator("rng", rng).uniform(-degrees, degrees, len(images)))


def scale(images, factor):
    """Enlarge or shrink images around their center, by bilinear interpolation.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    factor : float > 0, or float array, (N,)
        Above 1 enlarges; the frame keeps its size.

    Returns
    -------
    scaled : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; factors that are not positive, one or N.

    Examples
    --------
    >>> from descent.regularization import scale
    >>> scale(np.array([[[[0.0, 0.0, 4.0, 0.0, 0.0]]]]), 2.0)
    array([[[[0., 2., 4., 2., 0.]]]])
    """
    images = _images(images)
    factor = _real("factor", factor, len(images))
    if not (factor > 0).all():
        raise ValueError(f"factor must be > 0, got {factor.min()}")
    zero = np.zeros_like(factor)
    return _warp(images, np.array([[1 / factor, zero], [zero, 1 / factor]]))


def random_scale(images, factor=(0.9, 1.1), *, rng):
    """Enlarge or shrink each image by a factor that is uniform between two bounds; see `scale`.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    factor : pair of floats > 0
        The smallest and the largest factor.
    rng : numpy.random.Generator

    Returns
    -------
    scaled : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; bounds that are not positive or not in order;
        no generator.

    Examples
    --------
    >>> from descent.regularization import random_scale
    >>> random_scale(np.ones((5, 1, 8, 8)), rng=np.random.default_rng(0)).shape
    (5, 1, 8, 8)
    """
    images = _images(images)
    low, high = factor
    number("factor[0]", low, above=0)
    number("factor[1]", high, at_least=low)
    return scale(images, generator("rng", rng).uniform(low, high, len(images)))


def cutout(images, size, *, rng):
    """Set a square at a random place of each image to zero.

    The square's middle is uniform over the pixels, so at the border a part of the square lies
    outside, as in the paper.

    Parameters
    ----------
    images : float array, (N, C, H, W)
    size : int ≥ 1
        Side of the square. An even one reaches a pixel farther up and left of its middle.
    rng : numpy.random.Generator

    Returns
    -------
    cut : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; a size below 1; no generator.

    References
    ----------
    DeVries and Taylor (2017), "Improved Regularization of Convolutional Neural Networks with
    Cutout", arXiv:1708.04552.

    Examples
    --------
    >>> from descent.regularization import cutout
    >>> cutout(np.ones((1, 1, 3, 4)), 2, rng=np.random.default_rng(0))
    array([[[[1., 1., 1., 1.],
             [1., 0., 0., 1.],
             [1., 0., 0., 1.]]]])
    """
    images = _images(images)
    size = integer("size", size, at_least=1)
    count, _, height, width = images.shape
    rows = _band(generator("rng", rng).integers(height, size=count), size, height)  # (N, H)
    columns = _band(rng.integers(width, size=count), size, width)  # (N, W)
    return np.where((rows[:, :, None] & columns[:, None, :])[:, None], 0, images)


def gaussian_noise(images, std, *, rng):
    r"""Add normal noise to every pixel.

    .. math:: y = x + \sigma\varepsilon,\qquad \varepsilon \sim N(0, 1)

    Parameters
    ----------
    images : float array, (N, C, H, W)
    std : float ≥ 0
        :math:`\sigma`. The result is not clipped to [0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    noisy : float array, (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        Images of another shape, or not floats; a negative σ; no generator.

    Examples
    --------
    >>> from descent.regularization import gaussian_noise
    >>> noisy = gaussian_noise(np.zeros((100, 1, 8, 8)), 0.2, rng=np.random.default_rng(0))
    >>> round(float(noisy.std()), 2)
    0.2
    """
    images = _images(images)
    std = float(number("std", std, at_least=0))
    return images + std * generator("rng", rng).standard_normal(images.shape, images.dtype)


def _images(images):
    images = float_array("images", images)
    ndim("images", images, 4, "(N, C, H, W)")
    return images


def _whole(name, values, count):
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} must be whole pixels, got {values.dtype}")
    return _one_each(name, values, count)


def _real(name, values, count):
    values = _one_each(name, np.asarray(values, dtype=np.float64), count)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, got {values}")
    return values


def _one_each(name, values, count):
    if values.shape not in ((), (count,)):
        raise ValueError(
            f"{name} must be one number or have shape ({count},), got shape {values.shape}"
        )
    return np.broadcast_to(values, (count,))


def _pad(images, margin):
    return np.pad(images, ((0, 0), (0, 0), (margin, margin), (margin, margin)))


def _cut(images, tops, lefts, height, width):
    windows = np.empty((*images.shape[:2], height, width), images.dtype)
    for n, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        windows[n] = images[n, :, top : top + height, left : left + width]
    return windows


def _warp(images, matrices):
    """Take each pixel from where its image's matrix, (2, 2, N), sends its place; (row, column)."""
    center = (np.array(images.shape[2:]) - 1) / 2
    warped = np.empty_like(images)
    for n, channel in np.ndindex(images.shape[:2]):
        matrix = matrices[..., n]
        # "grid-constant" blends the border into zeros; "constant" would cut it off abruptly
        ndimage.affine_transform(
            images[n, channel],
            matrix,
            center - matrix @ center,
            output=warped[n, channel],
            order=1,
            mode="grid-constant",
        )
    return warped


def _band(middles, size, length):
    """Which of the places 0 … length − 1 lie in the band of this size around each middle."""
    first = middles[:, None] - size // 2
    places = np.arange(length)
    return (places >= first) & (places < first + size)
