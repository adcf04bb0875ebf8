"""Says so before memory runs out."""

import psutil

from lava_ahp.errors import ParameterError


def check_memory(what, n_bytes):
    """Raise :class:`ParameterError` unless so many bytes are free.

    The operating system would give out more than there is, and end the process when it
    is written to.

    Parameters
    ----------
    what : str
        What the memory is for.
    n_bytes : int
    """
    free = psutil.virtual_memory().available
    if n_bytes > free:
        raise ParameterError(
            f"{what}: found {n_bytes / 1e9:,.1f} GB, expected at most the {free / 1e9:,.1f} GB "
            f"of memory that are free"
        )
