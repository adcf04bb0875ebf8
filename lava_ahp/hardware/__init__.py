"""What a network costs on Loihi: limits of the chips, placement on cores, energy."""

from lava_ahp.hardware.limits import CHIPS
from lava_ahp.hardware.placement import Block, Placement, assign_chips, place

__all__ = ["CHIPS", "Block", "Placement", "assign_chips", "place"]
