"""ProcessModels of the source and the sink; without tags, so that any run finds them."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_ahp.errors import ParameterError
from lava_ahp.processes.io.process import SampleSink, SpikeSource


@implements(proc=SpikeSource, protocol=LoihiProtocol)
@requires(CPU)
class PySpikeSourceModel(PyLoihiProcessModel):
    """Sends samples, of which it holds one at a time."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self._sample = None

    def run_spk(self):
        """Send the row of this step."""
        index, step = divmod(self.time_step - 1, self.proc_params["n_steps"])
        if step == 0:
            self._sample = None
            if index < len(self.proc_params["samples"]):
                self._sample = self._take(index)
        if self._sample is None:
            self.s_out.send(np.zeros(self.proc_params["shape"], np.int32))
        else:
            self.s_out.send(self._sample[step])

    def _take(self, index):
        sample = np.asarray(self.proc_params["samples"][index])
        expected = (self.proc_params["n_steps"], *self.proc_params["shape"])
        if sample.shape != expected or sample.dtype.kind not in "biu":
            raise ParameterError(
                f"samples[{index}]: found shape {sample.shape} of type {sample.dtype}, "
                f"expected {expected} of integers or bool"
            )
        return sample.astype(np.int32, copy=False)


@implements(proc=SampleSink, protocol=LoihiProtocol)
@requires(CPU)
class PySampleSinkModel(PyLoihiProcessModel):
    """Keeps the last value or the sum of each sample."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    data: np.ndarray = LavaPyType(np.ndarray, float)

    def run_spk(self):
        """Keep the value of this step."""
        value = self.a_in.recv()
        index = (self.time_step - 1) // self.proc_params["n_steps"]
        if index < len(self.data):
            if self.proc_params["reduce"] == "last":
                self.data[index] = value
            else:
                self.data[index] += value
