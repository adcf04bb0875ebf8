"""Runs a network without Lava, bit for bit as Lava's fixed-point models run it."""

from lava_ahp.engine.operations import Operations
from lava_ahp.engine.result import Result
from lava_ahp.engine.session import Session
from lava_ahp.engine.simulate import simulate, stream

__all__ = ["Operations", "Result", "Session", "simulate", "stream"]
