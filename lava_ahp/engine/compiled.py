"""The arithmetic of :mod:`lava_ahp.dynamics` inside Numba, and a cache that notices its change."""

import hashlib
import inspect
import sys

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


def compiled(*modules, **options):
    """Decorator of functions that Numba compiles, kept on disk from one process to the next.

    Numba's cache asks whether the file of the function has changed and knows nothing of
    other files; and before it asks it looks for the classes of what the function was called with,
    which may have had other names then. So the names of its files hold a stamp, which stands
    for the present text of the function's module and of what it calls.

    The files lie beside the module, or in the user's cache folder where that cannot be
    written; where neither can, every process compiles. Those of earlier texts stay.

    Parameters
    ----------
    *modules : module
        What the function calls beside its own module and the arithmetic.
    **options
        As for :func:`numba.njit`.

    Returns
    -------
    callable
        Takes the function and returns it compiled. It lets go of Python's lock while it runs.
    """

    def decorate(function):
        texts = map(inspect.getsource, (sys.modules[function.__module__], dynamics, *modules))
        stamp = hashlib.sha256("".join(texts).encode()).hexdigest()
        # the name that Numba makes its files' names of
        function.__qualname__ += f"_{stamp[:16]}"
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            # what Numba raises where it finds no folder to write to
            return numba.njit(nogil=True, **options)(function)

    return decorate
