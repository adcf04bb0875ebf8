"""Memory for what is kept of whole batches, used again from one batch to the next."""

import sys
import threading

import numpy as np
import torch

_SMALLEST = 1 << 16
"""Elements from which on an array is worth keeping."""

_PATIENCE = 256
"""Requests after which an array that nobody asked for is given back to the system."""

_IDLE = 3
"""References to an array that lies in the pool only, seen from the loop over the pool."""

_LINE = 64
"""Bytes of a cache line."""

_lock = threading.Lock()
_pool = []


def empty(shape):
    """An uninitialised float32 tensor on the CPU.

    Memory fresh from the system costs more time than what is computed into it, since
    every page of it has to be fetched and cleared. Large arrays are therefore used again
    once no tensor holds them any more.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    Tensor
    """
    size = int(np.prod(shape))
    if size < _SMALLEST:
        return torch.empty(shape, dtype=torch.float32)
    with _lock:
        found = None
        for entry in _pool:
            array, entry[1] = entry[0], entry[1] + 1
            if found is None and array.size == size and sys.getrefcount(array) == _IDLE:
                found = entry
            del array
        if found is None:
            found = [_aligned(size), 0]
            _pool.append(found)
        found[1] = 0
        _pool[:] = [entry for entry in _pool if entry[1] < _PATIENCE]
        return torch.from_numpy(found[0]).view(shape)


def _aligned(size):
    """An array that begins at a cache line.

    Made by NumPy, which asks for the large pages that torch does not ask for: reading one row
    after the other from small ones means looking up addresses all the time.
    """
    room = np.empty(size + _LINE // 4, np.float32)
    begin = -room.ctypes.data % _LINE // 4
    return room[begin : begin + size]
