"""Spike encodings: how a sequence of values becomes spikes of input channels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lava_ahp.errors import ParameterError


@dataclass(frozen=True)
class ThresholdCrossing:
    """Spikes where a sequence of values crosses thresholds, then a cue.

    With thresholds `floor(linspace(0, max_value, n_thresholds))`, and k from 1 to
    n_thresholds - 2, in the step of each value but the last:

    - channel 2k spikes when the value is below threshold k and the next one is not;
    - channel 2k + 1 when the value is not below threshold k and the next one is.

    Channel 2 * n_thresholds - 2 spikes when a value is `max_value`, the last channel in
    every one of the `cue_steps` after the values. Channels 0 and 1 stay silent. This is
    the encoding of sequential MNIST in Rao et al. (2022), with 255, 40 and 56.

    Attributes
    ----------
    max_value : int
        Largest value.
    n_thresholds : int
        Number of thresholds; there are twice as many channels.
    cue_steps : int
        Steps after the values in which the answer is formed.
    """

    max_value: int = 255
    n_thresholds: int = 40
    cue_steps: int = 56

    def __post_init__(self):
        for name, low in (("max_value", 1), ("n_thresholds", 3), ("cue_steps", 0)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < low:
                raise ParameterError(
                    f"{name}: found {value!r}, expected an integer of at least {low}"
                )

    @property
    def n_channels(self):
        """Number of input channels."""
        return 2 * self.n_thresholds

    def n_steps(self, n_values):
        """Steps that a sequence of `n_values` takes with its cue."""
        return n_values + self.cue_steps

    def encode(self, values):
        """Spikes of one or more sequences.

        Parameters
        ----------
        values : array_like of int, shape (..., n_values)
            From 0 to `max_value`.

        Returns
        -------
        ndarray of uint8, shape (..., n_values + cue_steps, n_channels)

        Raises
        ------
        ParameterError
            If a value is no integer or out of range.
        """
        values = np.asarray(values)
        if values.dtype.kind not in "iu" or values.ndim < 1:
            raise ParameterError(
                f"values: found type {values.dtype} and shape {values.shape}, expected integers"
            )
        if values.size and (values.min() < 0 or values.max() > self.max_value):
            raise ParameterError(
                f"values: found {values.min()} to {values.max()}, expected 0 to {self.max_value}"
            )
        n_values, n = values.shape[-1], self.n_thresholds
        thresholds = np.floor(np.linspace(0, self.max_value, n))[1:-1]
        level = np.searchsorted(thresholds, np.arange(self.max_value + 1), side="right")[values]
        spikes = np.zeros((*values.shape[:-1], self.n_steps(n_values), self.n_channels), np.uint8)
        # Most steps of an image cross nothing.
        crossing = np.nonzero(level[..., :-1] != level[..., 1:])
        before, after = (
            part[crossing][:, None] > np.arange(n - 2) for part in (level[..., :-1], level[..., 1:])
        )
        crossed = np.zeros((len(before), self.n_channels), np.uint8)
        crossed[:, 2 : 2 * n - 2 : 2] = ~before & after
        crossed[:, 3 : 2 * n - 2 : 2] = before & ~after
        spikes[crossing] = crossed
        spikes[..., :n_values, 2 * n - 2] = values == self.max_value
        spikes[..., n_values:, 2 * n - 1] = 1
        return spikes

    def to_dict(self):
        """Plain description, as it stands in a network's metadata."""
        return {"name": "threshold-crossing", **asdict(self)}


def from_dict(description):
    """The encoding that a network's metadata describe.

    Raises
    ------
    ParameterError
        If it is no known encoding.
    """
    fields = dict(description)
    name = fields.pop("name", None)
    if name != "threshold-crossing":
        raise ParameterError(f"encoding: found {name!r}, expected 'threshold-crossing'")
    try:
        return ThresholdCrossing(**fields)
    except TypeError:
        raise ParameterError(
            f"encoding: found fields {sorted(fields)}, "
            f"expected max_value, n_thresholds, cue_steps"
        ) from None


class EncodedSamples(Sequence):
    """Samples that are encoded when they are asked for.

    Parameters
    ----------
    values : ndarray of int, shape (n_samples, n_values)
    encoding : ThresholdCrossing

    Attributes
    ----------
    n_steps, n_channels : int
        Shape of each sample.
    """

    def __init__(self, values, encoding):
        self.values = values
        self.encoding = encoding
        self.n_steps = encoding.n_steps(values.shape[1])
        self.n_channels = encoding.n_channels

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        """Spikes, uint8: (n_steps, n_channels) for an index, with a batch in front for a slice."""
        return self.encoding.encode(self.values[index])
