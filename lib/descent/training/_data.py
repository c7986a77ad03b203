"""Images and labels as the loop takes them."""

import numpy as np

from descent.checks import class_labels, float_array
from descent.data import LabeledImages
from descent.evaluation import predict


def images_and_labels(name, data, net):
    """Return images and labels after checking that the network can be trained on them.

    The range of class labels is known once the network has seen one image.

    Raises
    ------
    TypeError
        Data of another kind, images that are not floats.
    ValueError
        Numbers of images and labels that differ, nan among them, a label out of range.
    """
    if isinstance(data, LabeledImages):
        data = data.images, data.labels
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(
            f"{name} must be LabeledImages or a pair (images, labels), got {type(data).__name__}"
        )
    images, labels = float_array(f"{name}: images", data[0]), np.asarray(data[1])
    if images.shape[:1] != labels.shape[:1]:
        raise ValueError(
            f"{name} must have one label for each image, but images has shape {images.shape}, "
            f"labels has shape {labels.shape}"
        )
    for part, array in (("images", images), ("labels", labels)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: {part} must be finite, got nan or inf")
    output = predict(net, images[:1])
    if np.issubdtype(labels.dtype, np.integer) and labels.ndim == 1 and output.shape[1:] > (1,):
        class_labels(
            f"{name}: labels",
            labels,
            samples=len(images),
            classes=output.shape[1],
            ignore_index=-100,
        )
    return images, labels
