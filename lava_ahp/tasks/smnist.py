"""Sequential MNIST: handwritten digits of 28x28 pixels, read one pixel a step.

784 steps of pixels and 56 of cue, in 80 channels of threshold crossings (Rao et al., 2022).
"""

import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.tasks import mnist
from lava_ahp.tasks.encoding import ThresholdCrossing
from lava_ahp.tasks.samples import Samples

NAME = "smnist"
CLASS_NAMES = tuple("0123456789")
SPLITS = ("train", "validation", "test")

N_VALIDATION = 5000
"""Images of the training part that are held back for validation."""

_SPLIT_SEED = 20220518

_MAX_STRETCH = 0.1
"""Largest share by which an augmented image is stretched or shrunk, each way."""

_MAX_SLANT = 0.15
"""Largest slant of an augmented image, in columns per row and in rows per column."""

_MAX_SHIFT = 1.5
"""Largest shift of an augmented image, in pixels."""


def default_encoding():
    """Threshold crossings of 256 grey levels (80 channels), then 56 steps of cue."""
    return ThresholdCrossing(max_value=255, n_thresholds=40, cue_steps=56)


def load(split="test", data=None, encoding=None):
    """Samples of one split.

    Parameters
    ----------
    split : {"train", "validation", "test"}
        MNIST's training images but 5,000 drawn once and for all, those 5,000, or the
        test images. Of a file that is named itself `test` means all of its images.
    data : str or Path, optional
        File or folder, as :func:`lava_ahp.tasks.mnist.load` takes it.
    encoding : ThresholdCrossing, optional
        By default :func:`default_encoding`.

    Returns
    -------
    Samples
        In the data's order.

    Raises
    ------
    ParameterError
        If the split is unknown, or there are too few images to hold some back.
    FileFormatError
        If there are no data or they are damaged.
    """
    if split not in SPLITS:
        raise ParameterError(f"split: found {split!r}, expected one of {SPLITS}")
    images, labels = mnist.load("test" if split == "test" else "train", data)
    if split != "test":
        chosen = split_indices(len(labels))[split]
        images, labels = images[chosen], labels[chosen]
    return Samples.of(images, labels, encoding or default_encoding())


def split_indices(n):
    """Indices of the training and validation images among `n`, ascending.

    Returns
    -------
    dict of ndarray of int
    """
    if n <= N_VALIDATION:
        raise ParameterError(
            f"data: found {n} images, expected more than {N_VALIDATION}, "
            f"which are held back for validation"
        )
    # RandomState's stream is frozen: the split is the same with every NumPy.
    order = np.random.RandomState(_SPLIT_SEED).permutation(n)
    return {"train": np.sort(order[N_VALIDATION:]), "validation": np.sort(order[:N_VALIDATION])}


def augment(images, random, noise=0.0):
    """Images turned, slanted, stretched and shifted, with noise on the strokes' grey levels.

    Each pixel takes the grey level of the pixel that is nearest to where it comes from, so
    that an image keeps its grey levels, and the encoding its crossings of thresholds.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
    random : numpy.random.Generator
    noise : float, optional
        Standard deviation of the noise, in grey levels.

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)
    """
    n, height, width = images.shape
    stretch = 1 + random.uniform(-_MAX_STRETCH, _MAX_STRETCH, (2, n, 1, 1))
    slant = random.uniform(-_MAX_SLANT, _MAX_SLANT, (2, n, 1, 1))
    shift = random.uniform(-_MAX_SHIFT, _MAX_SHIFT, (2, n, 1, 1))
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    rows = np.rint(stretch[0] * y + slant[0] * x + shift[0] + (height - 1) / 2).astype(int)
    columns = np.rint(stretch[1] * x + slant[1] * y + shift[1] + (width - 1) / 2).astype(int)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    source = np.arange(n)[:, None, None], rows.clip(0, height - 1), columns.clip(0, width - 1)
    moved = np.where(inside, images[source], 0)
    if noise:
        noisy = np.rint(moved + random.normal(0.0, noise, moved.shape) * (moved > 0))
        moved = noisy.clip(0, default_encoding().max_value)
    return moved.astype(np.uint8)
