"""Spiking neurons with an after-hyperpolarising (AHP) current for Lava and Loihi.

The core (`neuron`, `dynamics`, `network`, `netx`, `engine`, `tasks`, `hardware`) needs neither
Lava nor torch; `lava_ahp.processes` needs Lava, `lava_ahp.slayer` and
`lava_ahp.training` need the extra `train`.
"""

from lava_ahp.neuron import AHPParameters, FixedAHPParameters

__version__ = "0.1.0"
__all__ = ["AHPParameters", "FixedAHPParameters", "__version__"]
