"""ProcessModel of the whole network; without a tag, so that any run finds it."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.engine.inputs import input_type
from lava_ahp.engine.machine import Machine, empty_recordings
from lava_ahp.processes.checks import is_reset_step
from lava_ahp.processes.compiled.process import CompiledNetwork

STATES = ("u", "v", "a", "s", "hold")


@implements(proc=CompiledNetwork, protocol=LoihiProtocol)
@requires(CPU)
class PyCompiledNetworkModel(PyLoihiProcessModel):
    """The engine's step, whose states are the Vars."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    a: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    s: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=1)
    hold: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=6)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self._machine = None

    def run_spk(self):
        """One step of all layers."""
        if self._machine is None:
            self._start()
        self._reset()
        layout, machine = self._machine.layout, self._machine
        if layout.direct:
            self._values[...] = self.inp.recv()
            machine.advance(self._values, self._nothing)
            self.out.send(self._sent)
        else:
            # As Lava's Dense does: what comes in now acts in the next step, so that this one
            # need not wait for it. Networks in a circle would wait for ever.
            machine.advance(self._values, self._nothing)
            self.out.send(self._sent)
            values = self.inp.recv()
            machine.memory.sent[0] = values if layout.network.graded_input else values != 0

    def _start(self):
        layout = self.proc_params["layout"]
        states = {name: getattr(self, name)[np.newaxis] for name in STATES}
        self._machine = Machine(layout, 1, **states)
        self._values = np.zeros((1, 1, layout.network.n_inputs), input_type(layout.network))
        self._nothing = empty_recordings(layout, (), 1, 1)
        sent = self.v if layout.network.readout == "voltage" else self.s
        self._sent = sent[layout.layers[layout.network.layers[-1].name]]

    def _reset(self):
        """Clear everything at once or, where the file asks for it, layer after layer."""
        interval, offset = self.proc_params["reset_interval"], self.proc_params["reset_offset"] + 1
        layout = self._machine.layout
        if not layout.network.staggered_reset:
            if is_reset_step(self.time_step, interval, offset):
                self._machine.reset()
            return
        for index, neurons in enumerate(layout.layers.values()):
            if is_reset_step(self.time_step, interval, offset + index):
                for name in STATES:
                    getattr(self, name)[neurons] = 0
