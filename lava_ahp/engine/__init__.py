"""Runs a network without Lava, bit for bit as Lava's fixed-point models run it."""

from lava_ahp.engine.operations import Operations
from lava_ahp.engine.simulate import Result, simulate

__all__ = ["Operations", "Result", "simulate"]
