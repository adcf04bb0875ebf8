"""Labelled samples of a task."""

from dataclasses import dataclass

import numpy as np

from lava_ahp.tasks.encoding import EncodedSamples


@dataclass(frozen=True, eq=False)
class Samples:
    """Images with labels, and their spikes.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width)
    labels : ndarray of int64, shape (n,)
    spikes : EncodedSamples
        One sequence per image, its pixels row by row; encoded when asked for.
    """

    images: np.ndarray
    labels: np.ndarray
    spikes: EncodedSamples

    def __len__(self):
        return len(self.labels)

    @classmethod
    def of(cls, images, labels, encoding):
        """Samples whose spikes are the encoded pixels of the images."""
        sequences = images.reshape(len(images), -1)
        return cls(images, labels.astype(np.int64), EncodedSamples(sequences, encoding))

    def first(self, n):
        """The first `n` samples, or all of them for None."""
        return Samples.of(self.images[:n], self.labels[:n], self.spikes.encoding)
