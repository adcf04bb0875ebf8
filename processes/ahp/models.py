"""ProcessModels of the AHP neuron: float, bit-accurate, and of two compartments."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense

from lava_ahp.processes.ahp.process import AHP
from lava_ahp.processes.compartments.process import Auxiliary, Main
from lava_ahp.processes.population import (
    AbstractFixedModel,
    AbstractFloatModel,
    check_model,
)

STATES = ("u", "v", "a", "s", "hold")
PARAMETERS = (
    "vth",
    "du",
    "dv",
    "da",
    "ahp_mant",
    "ahp_exp",
    "in_exp",
    "refractory_period",
    "bias_mant",
    "bias_exp",
)


@implements(proc=AHP, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyAHPModelFloat(AbstractFloatModel):
    """AHP neurons without rounding."""

    states = STATES
    parameters = PARAMETERS
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    a: np.ndarray = LavaPyType(np.ndarray, float)
    s: np.ndarray = LavaPyType(np.ndarray, float)
    hold: np.ndarray = LavaPyType(np.ndarray, float)
    vth: np.ndarray = LavaPyType(np.ndarray, float)
    du: np.ndarray = LavaPyType(np.ndarray, float)
    dv: np.ndarray = LavaPyType(np.ndarray, float)
    da: np.ndarray = LavaPyType(np.ndarray, float)
    ahp_mant: np.ndarray = LavaPyType(np.ndarray, float)
    ahp_exp: np.ndarray = LavaPyType(np.ndarray, float)
    in_exp: np.ndarray = LavaPyType(np.ndarray, float)
    refractory_period: np.ndarray = LavaPyType(np.ndarray, float)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, float)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=AHP, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class PyAHPModelFixed(AbstractFixedModel):
    """AHP neurons as the hardware computes them, bit by bit."""

    states = STATES
    parameters = PARAMETERS
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    a: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    s: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=1)
    hold: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    du: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    dv: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    da: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=12)
    ahp_mant: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=8)
    ahp_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)
    in_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)
    refractory_period: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=13)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=4)


@implements(proc=AHP, protocol=LoihiProtocol)
@tag("bit_accurate_loihi", "fixed_pt")
class TwoCompartmentModel(AbstractSubProcessModel):
    """AHP neurons of two compartments each, as they are built on the chip.

    The auxiliary compartment's voltage is the AHP current. Spikes of the main
    compartment reach it one step later through an inhibitory synapse of the weight
    `-ahp_mant`; its voltage joins the main compartment's input in the same step.
    """

    arithmetic = "fixed"

    def __init__(self, proc):
        check_model(proc.proc_params, self.arithmetic)
        shape = proc.proc_params["shape"]
        n = int(np.prod(shape))
        reset = {key: proc.proc_params[key] for key in ("reset_interval", "reset_offset")}

        def initial(*names):
            return {name: getattr(proc, name).init for name in names}

        self.main = Main(
            shape=shape,
            reset_keeps_input=proc.proc_params["reset_keeps_input"],
            **initial("u", "v", "vth", "du", "dv", "in_exp"),
            **initial("refractory_period", "bias_mant", "bias_exp"),
            **reset,
        )
        self.auxiliary = Auxiliary(
            shape=shape, v=proc.a.init, dv=proc.da.init, in_exp=proc.ahp_exp.init, **reset
        )
        decrement = np.broadcast_to(proc.ahp_mant.init, shape).reshape(n)
        self.synapse = Dense(weights=np.diag(-decrement.astype(int)))

        proc.a_in.connect(self.main.a_in)
        self.main.s_out.connect(proc.s_out)
        self.main.s_out.reshape((n,)).connect(self.synapse.s_in)
        self.synapse.a_out.reshape(shape).connect(self.auxiliary.a_in)
        self.auxiliary.join_out.connect(self.main.join_in)

        for name in ("u", "v", "s", "hold", "vth", "du", "dv", "in_exp"):
            getattr(proc, name).alias(getattr(self.main, name))
        for name in ("refractory_period", "bias_mant", "bias_exp"):
            getattr(proc, name).alias(getattr(self.main, name))
        proc.a.alias(self.auxiliary.v)
        proc.da.alias(self.auxiliary.dv)
        proc.ahp_exp.alias(self.auxiliary.in_exp)
