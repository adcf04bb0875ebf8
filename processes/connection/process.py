"""A connection with delays whose activation can be dropped at a reset."""

from lava.proc.dense.process import DelayDense

from lava_ahp.processes.checks import CheckedProcess, check_reset


class DelayDenseReset(CheckedProcess, DelayDense):
    """Stock DelayDense that forgets what is on its way in regular intervals.

    Parameters
    ----------
    reset_interval, reset_offset : int, optional
        As in :class:`lava_ahp.processes.AHP`: spikes of earlier steps do not arrive in or
        after a step of a reset.
    **kwargs
        As in `lava.proc.dense.process.DelayDense`.
    """

    def __init__(self, *, reset_interval=None, reset_offset=0, **kwargs):
        check_reset(reset_interval, reset_offset)
        super().__init__(reset_interval=reset_interval, reset_offset=reset_offset, **kwargs)
