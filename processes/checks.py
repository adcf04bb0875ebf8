"""What Processes check at the door, and their common base."""

import numpy as np
from lava.magma.core.process.process import AbstractProcess

from lava_ahp.errors import ParameterError


class CheckedProcess(AbstractProcess):
    """Process that may refuse its arguments before it calls Lava's constructor."""

    # Lava's `__del__` asks for it, also where the constructor was left with an error.
    _runtime = None


def check_shape(shape):
    """The shape as a tuple of positive ints, or a ParameterError."""
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        raise ParameterError(f"shape: found {shape!r}, expected a tuple of sizes") from None
    if not sizes or any(size < 1 for size in sizes):
        raise ParameterError(f"shape: found {shape!r}, expected positive sizes")
    return sizes


def check_reset(interval, offset):
    """Raise ParameterError unless these describe a reset, or none."""
    if interval is not None and (not _is_integer(interval) or interval < 1):
        raise ParameterError(
            f"reset_interval: found {interval!r}, expected a number of steps of 1 or more, or None"
        )
    if not _is_integer(offset):
        raise ParameterError(f"reset_offset: found {offset!r}, expected an integer")


def is_reset_step(time_step, interval, offset):
    """Whether a step starts with a reset; steps count from 1, as in Lava."""
    return interval is not None and time_step % interval == offset % interval


def _is_integer(value):
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iu"
