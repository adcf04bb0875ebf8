"""Sequential digits: scikit-learn's 8x8 digits, read one pixel a step.

The data come with scikit-learn: 1,797 images of handwritten digits with values from 0
to 16 (UCI Optical Recognition of Handwritten Digits, test part). They are split once
and for all, digit by digit, into 80 % for training, 10 % for validation and 10 % for
the test.
"""

import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.tasks.encoding import ThresholdCrossing
from lava_ahp.tasks.samples import Samples

NAME = "digits"
CLASS_NAMES = tuple("0123456789")
SPLITS = ("train", "validation", "test")

_SPLIT_SEED = 20220518
_SHARES = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}

_MAX_SLANT = 0.3
"""Largest slant of an augmented image, in columns per row."""


def default_encoding():
    """Threshold crossings of 17 grey levels (34 channels), then 8 steps of cue."""
    return ThresholdCrossing(max_value=16, n_thresholds=17, cue_steps=8)


def load(split="test", data=None, encoding=None):
    """Samples of one split.

    Parameters
    ----------
    split : {"train", "validation", "test"}
    data : None
        The task has no other data than scikit-learn's.
    encoding : ThresholdCrossing, optional
        By default :func:`default_encoding`.

    Returns
    -------
    Samples
        1,438, 180 and 179 images, in the data's order.

    Raises
    ------
    ParameterError
        If the split is unknown or other data are asked for.
    """
    from sklearn.datasets import load_digits

    if data is not None:
        raise ParameterError(f"data: found {data!r}, expected none: digits come with scikit-learn")
    if split not in SPLITS:
        raise ParameterError(f"split: found {split!r}, expected one of {SPLITS}")
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.uint8)
    chosen = split_indices(labels)[split]
    return Samples.of(images[chosen], labels[chosen], encoding or default_encoding())


def split_indices(labels):
    """Indices of the images of each split, ascending.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)

    Returns
    -------
    dict of ndarray of int
    """
    # RandomState's stream is frozen: the split is the same with every NumPy.
    random = np.random.RandomState(_SPLIT_SEED)
    parts = {split: [] for split in SPLITS}
    for label in np.unique(labels):
        indices = random.permutation(np.flatnonzero(labels == label))
        for split, (start, stop) in _SHARES.items():
            parts[split].append(indices[round(start * len(indices)) : round(stop * len(indices))])
    return {split: np.sort(np.concatenate(indices)) for split, indices in parts.items()}


def augment(images, random, noise=0.0):
    """Images shifted by up to one pixel each way, slanted, with noise on the strokes' grey levels.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 8, 8)
    random : numpy.random.Generator
    noise : float, optional
        Standard deviation of the noise, in grey levels.

    Returns
    -------
    ndarray of uint8, shape (n, 8, 8)
    """
    n, height, width = images.shape
    margin = 1 + round(_MAX_SLANT * (height - 1) / 2)
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    down, right = random.integers(-1, 2, (2, n, 1, 1))
    slant = random.uniform(-_MAX_SLANT, _MAX_SLANT, (n, 1, 1))
    y, x = np.arange(height)[:, None], np.arange(width)
    rows = margin + y + down
    columns = margin + x + right + np.rint(slant * (y - (height - 1) / 2)).astype(int)
    moved = padded[np.arange(n)[:, None, None], rows, columns]
    noisy = np.rint(moved + random.normal(0.0, noise, moved.shape) * (moved > 0))
    return noisy.clip(0, default_encoding().max_value).astype(np.uint8)
