"""The arithmetic of :mod:`lava_ahp.dynamics` inside Numba, and a cache that notices its change."""

import hashlib
import inspect

import numba
from numba.extending import register_jitable

from lava_ahp import dynamics

for _function in (
    dynamics.decay,
    dynamics.wrap24,
    dynamics.sat24,
    dynamics.current_sum,
    dynamics.ahp_sum,
    dynamics.potential_sum,
    dynamics.synaptic_current,
    dynamics.ahp_current,
    dynamics.potential,
    dynamics.fire,
):
    register_jitable(_function)

STAMP = hashlib.sha256(inspect.getsource(dynamics).encode()).hexdigest()
"""Stands for the present text of the arithmetic."""


def compiled(make):
    """A function compiled by Numba, kept on disk from one process to the next.

    Numba's cache asks whether the file of the function has changed and knows nothing of
    other files. But it has the values that a function closes over in its key. So a
    function that calls the arithmetic is made by one that is given :data:`STAMP`, and
    mentions it.

    The files lie beside the module, or in the user's cache folder where that cannot be
    written; where neither can, every process compiles.

    Parameters
    ----------
    make : callable
        Called with the stamp; returns the function to compile.

    Returns
    -------
    callable
        It lets go of Python's lock while it runs.
    """
    function = make(STAMP)
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # what Numba raises where it finds no folder to write to
        return numba.njit(nogil=True)(function)
