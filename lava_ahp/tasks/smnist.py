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
    """Images shifted by up to one pixel each way, with noise on the strokes' grey levels.

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
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = random.integers(0, 3, (2, n, 1, 1))
    rows, columns = np.arange(height)[:, None] + down, np.arange(width) + right
    moved = padded[np.arange(n)[:, None, None], rows, columns]
    if noise:
        noisy = np.rint(moved + random.normal(0.0, noise, moved.shape) * (moved > 0))
        moved = noisy.clip(0, default_encoding().max_value).astype(np.uint8)
    return moved
