"""Lava Processes for AHP neurons and for networks of them; needs lava-nc.

Everything here connects to stock Lava Processes and runs under stock run
configurations. Arithmetic is that of :mod:`lava_ahp.dynamics`.
"""

from lava_ahp.errors import require

require("lava_ahp.processes", "lava-nc", "lava.magma", "lava")

from lava_ahp.processes.ahp.process import AHP  # noqa: E402
from lava_ahp.processes.compiled.process import CompiledNetwork  # noqa: E402
from lava_ahp.processes.io.process import SampleSink, SpikeSource  # noqa: E402
from lava_ahp.processes.network.process import Network  # noqa: E402
from lava_ahp.processes.readout.process import Readout  # noqa: E402
from lava_ahp.processes.simulate import simulate_on_lava, simulate_stock  # noqa: E402
from lava_ahp.processes.stock.process import StockNetwork  # noqa: E402

__all__ = [
    "AHP",
    "CompiledNetwork",
    "Network",
    "Readout",
    "SampleSink",
    "SpikeSource",
    "StockNetwork",
    "simulate_on_lava",
    "simulate_stock",
]
