"""Bit-accurate ProcessModels of the two compartments of an AHP neuron."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.dynamics import fire, potential, synaptic_current
from lava_ahp.neuron import VTH_NEVER
from lava_ahp.processes.compartments.process import Auxiliary, Main
from lava_ahp.processes.population import AbstractFixedModel


@implements(proc=Main, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyMainModel(AbstractFixedModel):
    """Main compartments: the voltage that joins takes the place of an AHP current."""

    states = ("u", "v", "s", "hold")
    parameters = ("vth", "du", "dv", "in_exp", "refractory_period", "bias_mant", "bias_exp")
    join_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    s: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=1)
    hold: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    du: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    in_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)
    refractory_period: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=13)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)

    def advance(self, x, state, coefficients):
        """State after one step with the arriving weights `x`."""
        c = coefficients
        joined = np.asarray(self.join_in.recv(), dtype=np.int64)
        u = synaptic_current(state.u, np.asarray(x, dtype=np.int64), c.decay_u, c.in_shift)
        v = potential(state.v, u + joined + c.bias, state.hold, c.decay_v)
        return fire(u, v, joined, state.hold, c.threshold, c.refractory)


@implements(proc=Auxiliary, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyAuxiliaryModel(AbstractFixedModel):
    """Auxiliary compartments: their current lasts one step and no voltage makes them spike."""

    parameters = ("dv", "in_exp")
    join_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    in_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)

    def coefficients(self, parameters):
        """Constants of the integer step."""
        return super().coefficients(parameters | {"vth": VTH_NEVER})

    def send(self, state):
        """Give the voltage to the main compartments."""
        self.join_out.send(state.v)
