"""What a simulation gives, and what it can record."""

from dataclasses import dataclass, field

import numpy as np

from lava_ahp.engine.operations import Operations
from lava_ahp.errors import ParameterError

RECORDABLE = {"spikes": np.uint8, "u": np.int32, "v": np.int32, "a": np.int32}
"""What can be kept of every step, and its type."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a simulation gives.

    Attributes
    ----------
    output : ndarray of int64, shape (batch, n_outputs)
        Readout voltages after the last step, or spike counts of the last layer.
    spike_counts : dict of ndarray of int64, shape (batch, n_neurons)
        Spikes of each neuron over the whole run, by layer.
    n_steps : int
        Steps of each sample.
    operations : Operations or None
        Counts of the whole run. Lava's simulator and the reference do not count.
    spikes : dict of ndarray of uint8, shape (batch, time, n_neurons)
        By layer; empty unless recorded.
    u, v, a : dict of ndarray of int32, shape (batch, time, n_neurons)
        Currents, voltages after the reset, and AHP currents, by layer; empty unless
        recorded.
    """

    output: np.ndarray
    spike_counts: dict
    n_steps: int
    operations: Operations | None = None
    spikes: dict = field(default_factory=dict)
    u: dict = field(default_factory=dict)
    v: dict = field(default_factory=dict)
    a: dict = field(default_factory=dict)

    @property
    def predictions(self):
        """Index of the first largest output of each sample, int64, shape (batch,)."""
        return np.argmax(self.output, axis=-1).astype(np.int64)


def check_record(record):
    """What to record as a tuple of names, or a :class:`ParameterError`."""
    record = tuple(record)
    unknown = [name for name in record if name not in RECORDABLE]
    if unknown:
        raise ParameterError(f"record: found {unknown[0]!r}, expected any of {tuple(RECORDABLE)}")
    return record
