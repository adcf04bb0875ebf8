"""ProcessModels of the readout, float and bit-accurate."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.processes.population import AbstractFixedModel, AbstractFloatModel
from lava_ahp.processes.readout.process import Readout

PARAMETERS = ("vth", "du", "dv", "in_exp", "bias_mant", "bias_exp")


class VoltageSender:
    """Sends spikes and, beside them, the voltage."""

    def send(self, state):
        """Send what the population gives in this step."""
        self.s_out.send(state.s)
        self.v_out.send(state.v)


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyReadoutModelFloat(VoltageSender, AbstractFloatModel):
    """Readout neurons without rounding."""

    parameters = PARAMETERS
    v_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    vth: np.ndarray = LavaPyType(np.ndarray, float)
    du: np.ndarray = LavaPyType(np.ndarray, float)
    dv: np.ndarray = LavaPyType(np.ndarray, float)
    in_exp: np.ndarray = LavaPyType(np.ndarray, float)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, float)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyReadoutModelFixed(VoltageSender, AbstractFixedModel):
    """Readout neurons as the hardware computes them, bit by bit."""

    parameters = PARAMETERS
    v_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    du: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    in_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=13)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)
