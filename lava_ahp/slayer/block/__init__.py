"""Blocks for training; the module `ahp` stands where lava-dl has `cuba`."""

from lava_ahp.slayer.block import ahp

__all__ = ["ahp"]
