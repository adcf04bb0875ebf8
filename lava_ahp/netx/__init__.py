"""Networks in HDF5 files: lava-dl's netx layout with AHP neurons.

`read`, `write` and `load` deal in :class:`lava_ahp.network.NetworkSpec` and need no
Lava. `Network` is the Lava Process that runs such a file; it is imported, and Lava
with it, only when it is asked for.
"""

from lava_ahp.netx.reader import load, read
from lava_ahp.netx.writer import write

__all__ = ["Network", "load", "read", "write"]


def __getattr__(name):
    if name == "Network":
        from lava_ahp.processes import Network

        return Network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
