"""Training of AHP networks in the style of lava-dl's SLAYER.

`slayer.neuron.ahp` and `slayer.block.ahp` have the interfaces of lava-dl's
`slayer.neuron.cuba` and `slayer.block.cuba`. Their forward pass is the integer
arithmetic of :mod:`lava_ahp.dynamics`; gradients go through a surrogate.
"""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from lava_ahp.errors import require

require("lava_ahp.slayer", "lava-dl", "lava.lib.dl.slayer", extra="train")

# It prints what it misses for parts that are not used here.
with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
    import lava.lib.dl.slayer  # noqa: F401

from lava_ahp.slayer import block, neuron  # noqa: E402
from lava_ahp.slayer.export import export_hdf5, to_network  # noqa: E402
from lava_ahp.slayer.rewiring import Rewiring  # noqa: E402
from lava_ahp.slayer.surrogate import Exponential, Triangular  # noqa: E402

__all__ = [
    "Exponential",
    "Rewiring",
    "Triangular",
    "block",
    "export_hdf5",
    "neuron",
    "to_network",
]
