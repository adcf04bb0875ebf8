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


def compiled(*modules):
    """Decorator of functions that Numba compiles, kept on disk from one process to the next.

    Numba's cache asks whether the file of the function has changed and knows nothing of
    other files. But it has the values that a function closes over in its key. So a
    function that calls others is made by one that is given a stamp, which stands for the
    present text of what it calls, and mentions it.

    The files lie beside the module, or in the user's cache folder where that cannot be
    written; where neither can, every process compiles.

    Parameters
    ----------
    *modules : module
        What the function calls beside the arithmetic.

    Returns
    -------
    callable
        Takes the maker of the function, which is called with the stamp, and returns the
        function, compiled. It lets go of Python's lock while it runs.
    """
    texts = (inspect.getsource(module) for module in (dynamics, *modules))
    stamp = hashlib.sha256("".join(texts).encode()).hexdigest()

    def decorate(make):
        function = make(stamp)
        try:
            return numba.njit(nogil=True, cache=True)(function)
        except RuntimeError:
            # what Numba raises where it finds no folder to write to
            return numba.njit(nogil=True)(function)

    return decorate
