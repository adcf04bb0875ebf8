"""What comes in, checked at the door: an array of spikes, or samples batch by batch."""

from itertools import islice

import numpy as np

from lava_ahp.errors import ParameterError

INTEGER_LIMITS = np.iinfo(np.int32)
"""Range of the integers that graded input may carry: a message has 32 bits."""


def input_type(network):
    """Type of the input's values: bytes for spikes, int32 for integers."""
    return np.int32 if network.takes_integers else np.uint8


def check_input(network, spikes, axes=("batch", "time")):
    """The input as an array of :func:`input_type`, not copied where it is one already.

    Parameters
    ----------
    network : NetworkSpec
    spikes : array_like of int or bool, shape (*axes, n_inputs)
    axes : tuple of str, optional
        Names of the axes in front of the channels.

    Returns
    -------
    ndarray

    Raises
    ------
    ParameterError
        If shape, type or values are others.
    """
    try:
        array = np.asarray(spikes)
    except ValueError:
        raise ParameterError("spikes: found samples of different shapes, expected one") from None
    if array.ndim != len(axes) + 1 or array.shape[-1] != network.n_inputs:
        expected = ", ".join((*axes, str(network.n_inputs)))
        raise ParameterError(f"spikes: found shape {array.shape}, expected ({expected})")
    if array.dtype.kind not in "biu":
        nan = array.dtype.kind == "f" and np.isnan(array)
        found = f" and NaN at {tuple(map(int, np.argwhere(nan)[0]))}" if np.any(nan) else ""
        raise ParameterError(
            f"spikes: found type {array.dtype}{found}, expected integers or bool"
        )
    limits = (INTEGER_LIMITS.min, INTEGER_LIMITS.max) if network.takes_integers else (0, 1)
    if array.size and array.dtype.kind != "b":
        low, high = int(array.min()), int(array.max())
        if low < limits[0] or high > limits[1]:
            expected = "0 or 1" if limits == (0, 1) else f"{limits[0]} to {limits[1]}"
            raise ParameterError(f"spikes: found values from {low} to {high}, expected {expected}")
    # Of one kind only, as the kernel is compiled for each kind of array.
    return np.require(array, input_type(network), ("C", "W"))


def batches(network, samples, size):
    """Samples as checked arrays of shape (batch, time, n_inputs), in their order.

    Parameters
    ----------
    network : NetworkSpec
    samples : array_like, Sequence or iterable
        Of samples of shape (time, n_inputs). Of a sequence slices are taken, as long as
        there are any; of any other iterable one sample after the other.
    size : int
        Samples in a batch; the last may have fewer.

    Yields
    ------
    ndarray

    Raises
    ------
    ParameterError
        If there are no samples, or one is not what it should be; it names their numbers.
    """
    if hasattr(samples, "__len__") and hasattr(samples, "__getitem__"):
        n = len(samples)
        pieces = (samples[start : min(start + size, n)] for start in range(0, n, size))
    else:
        try:
            samples = iter(samples)
        except TypeError:
            raise ParameterError(f"spikes: found {samples!r}, expected samples") from None
        pieces = iter(lambda: list(islice(samples, size)), [])
    n_done, n_steps = 0, None
    for piece in pieces:
        where = f"samples from {n_done} on: " if n_done else ""
        try:
            values = check_input(network, piece)
        except ParameterError as error:
            raise ParameterError(f"{where}{error}") from None
        if values.shape[1] != (n_steps or values.shape[1]) or not values.shape[1]:
            raise ParameterError(
                f"{where}spikes: found {values.shape[1]} steps, expected {n_steps or 'at least 1'}"
            )
        n_done, n_steps = n_done + len(values), values.shape[1]
        yield values
    if not n_done:
        raise ParameterError("spikes: found no samples, expected at least one")
