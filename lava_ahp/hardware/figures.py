"""Published figures of Loihi 1: energy and time of each operation, measured powers and times."""

from dataclasses import dataclass
from types import MappingProxyType

from lava_ahp.hardware.limits import DAVIES_2018

TABLE_2 = f"{DAVIES_2018}, table 2 (simulated before the silicon, at 0.75 V)"
RAO_2022 = (
    "Rao, Plank, Wild and Maass, A long short-term memory for AI applications in spike-based "
    "neuromorphic hardware, Nature Machine Intelligence 4, 2022 (measured)"
)


@dataclass(frozen=True)
class Figure:
    """A number with its unit and where it was published."""

    value: float
    unit: str
    source: str


SYNAPTIC_EVENT = Figure(23.6e-12, "J", TABLE_2)
"""Energy of one synapse that a spike reaches; the table gives it as the least."""

ACTIVE_UPDATE = Figure(81e-12, "J", TABLE_2)
INACTIVE_UPDATE = Figure(52e-12, "J", TABLE_2)
"""Energy of the update of one compartment in one step."""

SPIKE = Figure(1.7e-12, "J", TABLE_2)
"""Energy of a spike within a tile, a group of four cores."""

HOP_EAST_WEST = Figure(3.0e-12, "J", TABLE_2)
HOP_NORTH_SOUTH = Figure(4.0e-12, "J", TABLE_2)
"""Energy of a spike from one tile to the next."""

SYNAPTIC_EVENT_TIME = Figure(3.5e-9, "s", TABLE_2)
ACTIVE_UPDATE_TIME = Figure(8.4e-9, "s", TABLE_2)
INACTIVE_UPDATE_TIME = Figure(5.3e-9, "s", TABLE_2)
"""Time of each on one core; cores work side by side."""

BARRIER_TIME = (Figure(113e-9, "s", TABLE_2), Figure(465e-9, "s", TABLE_2))
"""Least and most time in which the cores of a chip agree that a step is over."""

TILES = (8, 4)
"""Tiles of a chip from east to west and from north to south [Davies et al., 2018]."""

STEP_TIME = Figure(14.0e-3 / 840, "s", f"{RAO_2022}: 14.0 ms for 840 steps")
"""Time of a step of a network on one chip, spikes fed in by its x86 cores."""

STATIC_POWER = Figure(1.0e-3, "W", f"{RAO_2022}: neurocores of one chip")
X86_POWER = Figure(23.2e-3, "W", f"{RAO_2022}: dynamic, of one chip")

CORES_POWER_OF_22 = Figure(3.68e-3 / 9.1e-3 / 22, "W", f"{RAO_2022}: relational network, a chip")
X86_POWER_OF_22 = Figure(
    (821e-3 - 3.68e-3 / 9.1e-3) / 22, "W", f"{RAO_2022}: relational network, a chip"
)
"""What a chip took in a network on 22 chips: neurocores in all, and everything else."""

FIGURES = MappingProxyType(
    {
        "synaptic event": SYNAPTIC_EVENT,
        "update of an active compartment": ACTIVE_UPDATE,
        "update of an inactive compartment": INACTIVE_UPDATE,
        "spike within a tile": SPIKE,
        "hop east or west": HOP_EAST_WEST,
        "hop north or south": HOP_NORTH_SOUTH,
        "time of a synaptic event": SYNAPTIC_EVENT_TIME,
        "time of an active update": ACTIVE_UPDATE_TIME,
        "time of an inactive update": INACTIVE_UPDATE_TIME,
        "least time of a barrier": BARRIER_TIME[0],
        "most time of a barrier": BARRIER_TIME[1],
        "time of a step, measured": STEP_TIME,
        "static power of a chip's neurocores, measured": STATIC_POWER,
        "power of a chip's x86 cores, measured": X86_POWER,
        "power of a chip's neurocores, 22 chips": CORES_POWER_OF_22,
        "power of the rest of a chip, 22 chips": X86_POWER_OF_22,
    }
)

SPREAD = 1.5
"""Factor up and down within which the simulated figures are taken to hold. On the one network
whose cores were measured alone (Intel's sequential MNIST) they come out 1.4 times too high."""

MEASURED = MappingProxyType(
    {
        # Intel's sequential-MNIST network, as lava_ahp.interop.nxsdk reads it
        "a0b256bdcdfcb7a90fe0b1b1dcaa3e38db042c6591ec4972805ef3e830a749c8": MappingProxyType(
            {
                "core_dynamic_J": 1.58e-3 * 14.0e-3,
                "core_static_J": 1.0e-3 * 14.0e-3,
                "core_J": 2.58e-3 * 14.0e-3,
                "total_J": 0.363e-3,
                "seconds": 14.0e-3,
                "edp_Js": 5.07e-6,
            }
        )
    }
)
"""What was measured on Loihi 1 for one sample, by the network's fingerprint [Rao et al., 2022]."""
