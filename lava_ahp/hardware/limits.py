"""What a core and a chip of Loihi hold: one table, each number with where it stands.

Where nobody published a number, a conservative one is assumed and marked as such.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Mapping

from lava_ahp.errors import ParameterError

DAVIES_2018 = (
    "Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, "
    "IEEE Micro 38(1), 2018"
)
LIN_2018 = (
    "Lin et al., Mapping spiking neural networks onto a manycore neuromorphic "
    "architecture, PLDI 2018"
)
NENGO_LOIHI = "NengoLoihi 1.1 (open source): block.py, hardware/nxsdk_objects.py"
BRIEF_2021 = (
    "Intel Labs, Taking neuromorphic computing to the next level with Loihi 2, "
    "technology brief, 2021"
)
ORCHARD_2021 = (
    "Orchard et al., Efficient neuromorphic signal processing with Loihi 2, IEEE SiPS 2021"
)


@dataclass(frozen=True)
class Limit:
    """A number of the hardware.

    Attributes
    ----------
    value : int
    source : str
        The publication, or why the number is assumed.
    assumed : bool
        Whether there is no published number.
    """

    value: int
    source: str
    assumed: bool = False


@dataclass(frozen=True)
class Chip:
    """Limits of a chip and of each of its cores.

    Attributes
    ----------
    name : str
    cores : Limit
        Neuromorphic cores of a chip.
    core : mapping of Limit
        What one core holds, by resource (:data:`RESOURCES`).
    ahp_compartments : Limit
        Compartments that an AHP neuron takes; a regular one takes 1.
    index_bits : Limit
        Bits that name the target of a synapse in a sparse list.
    """

    name: str
    cores: Limit
    core: Mapping[str, Limit]
    ahp_compartments: Limit
    index_bits: Limit

    def to_dict(self):
        """The table as plain dicts, fit for JSON."""
        limits = {
            "cores per chip": self.cores,
            **{RESOURCES[name]: limit for name, limit in self.core.items()},
            "compartments of an AHP neuron": self.ahp_compartments,
            "bits of a target in a sparse list": self.index_bits,
        }
        return {name: vars(limit) for name, limit in limits.items()}


RESOURCES = MappingProxyType(
    {
        "compartments": "compartments",
        "profiles": "decay profiles",
        "thresholds": "threshold profiles",
        "formats": "synapse formats",
        "input_axons": "input axons",
        "output_axons": "output axons",
        "synapse_bytes": "bytes of synapses",
        "state_bytes": "bytes of neuron state",
    }
)
"""Resources of a core and what to call them in a report."""

SYNAPSE_WORD_BITS = 64
"""An axon's list of synapses starts on a new word of the synaptic memory [NengoLoihi]."""

SYNAPSE_HEADER_BITS = 10
SYNAPSES_PER_HEADER = 64
"""A list has a header in front of every 64 synapses [NengoLoihi]."""

WEIGHT_BITS = (1, 2, 3, 4, 5, 6, 8)
"""Sizes of a weight in the synaptic memory [NengoLoihi; 1 to 9 bits with the sign in Davies et
al., 2018]."""

DELAY_BITS = 6
"""Bits of a synaptic delay of up to 62 steps."""

STATE_WORD_BYTES = 4
"""Memory of one state or parameter of a neuron on Loihi 2, 24 bits in a word of 32."""

LOIHI1 = Chip(
    name="loihi1",
    cores=Limit(128, DAVIES_2018),
    core=MappingProxyType(
        {
            "compartments": Limit(1024, DAVIES_2018),
            "profiles": Limit(32, NENGO_LOIHI),
            "thresholds": Limit(8, NENGO_LOIHI),
            "formats": Limit(8, NENGO_LOIHI),
            "input_axons": Limit(4096, LIN_2018),
            "output_axons": Limit(4096, LIN_2018),
            "synapse_bytes": Limit(128 * 1024, LIN_2018),
        }
    ),
    ahp_compartments=Limit(
        2, "Rao et al., Nature Machine Intelligence 4, 2022: main and auxiliary compartment"
    ),
    index_bits=Limit(10, "log2 of the 1,024 compartments"),
)

LOIHI2 = Chip(
    name="loihi2",
    cores=Limit(128, BRIEF_2021),
    core=MappingProxyType(
        {
            "compartments": Limit(8192, BRIEF_2021),
            "input_axons": Limit(4096, "not published; as on Loihi 1", assumed=True),
            "output_axons": Limit(4096, "not published; as on Loihi 1", assumed=True),
            "synapse_bytes": Limit(
                128 * 1024,
                f"not published; as on Loihi 1, of the 192 KB of a core ({BRIEF_2021})",
                assumed=True,
            ),
            "state_bytes": Limit(
                64 * 1024,
                "not published; what the synapses leave of 192 KB, "
                "each state and each parameter of its own taking 4 bytes",
                assumed=True,
            ),
        }
    ),
    ahp_compartments=Limit(1, f"neurons are programmed ({ORCHARD_2021})"),
    index_bits=Limit(13, "log2 of the 8,192 neurons"),
)

CHIPS = MappingProxyType({chip.name: chip for chip in (LOIHI1, LOIHI2)})


def get(target):
    """The chip of this name, or a ParameterError."""
    if target not in CHIPS:
        raise ParameterError(f"target: found {target!r}, expected one of {tuple(CHIPS)}")
    return CHIPS[target]
