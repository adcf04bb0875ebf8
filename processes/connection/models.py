"""Bit-accurate ProcessModel of the connection whose activation can be dropped."""

from lava.proc.dense.models import PyDelayDenseModelBitAcc

from lava_ahp.processes.connection.process import DelayDenseReset
from lava_ahp.processes.checks import is_reset_step


class PyDelayDenseResetModel(PyDelayDenseModelBitAcc):
    """Clears its buffer at the start of a step of a reset."""

    # The decorator `implements` refuses a model whose parent implements another Process;
    # tags and resources are the parent's.
    implements_process = DelayDenseReset

    def run_spk(self):
        """One step."""
        reset = (self.proc_params["reset_interval"], self.proc_params["reset_offset"])
        if is_reset_step(self.time_step, *reset):
            self.a_buff[...] = 0
        super().run_spk()
