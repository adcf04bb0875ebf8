"""Neurons for training; the module `ahp` stands where lava-dl has `cuba`."""

from lava_ahp.slayer.neuron import ahp

__all__ = ["ahp"]
