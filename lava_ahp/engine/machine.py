"""Samples of a network side by side: their state, their counts, and how they advance."""

import numpy as np

from lava_ahp.engine import kernel
from lava_ahp.engine.inputs import input_type
from lava_ahp.engine.operations import Operations
from lava_ahp.engine.result import RECORDABLE

UPDATES_PER_CALL = 1 << 26
"""Neuron updates after which compiled code lets an interrupt through: some tenths of a second."""


def empty_recordings(layout, record, n_samples, n_steps):
    """Arrays to record to, of all neurons; empty for what is not to be recorded."""
    shape = (n_samples, n_steps, layout.n_neurons)
    return kernel.Recordings(
        **{
            name: np.empty(shape if name in record else (0, 0, 0), dtype)
            for name, dtype in RECORDABLE.items()
        }
    )


def by_layer(layout, array):
    """Parts of an array, one for each layer by its name; the last axis is neurons."""
    return {name: array[..., where] for name, where in layout.layers.items()}


class Machine:
    """Runs some samples of a network, all in the same step.

    Parameters
    ----------
    layout : Layout
    n_samples : int
    **states : ndarray of int32, shape (n_samples, n_neurons)
        Arrays to hold `u`, `v`, `a`, `s` or `hold` in; by default new ones.

    Attributes
    ----------
    memory : kernel.Memory
    counts : kernel.Counts
    """

    def __init__(self, layout, n_samples, **states):
        self.layout = layout
        shape = (n_samples, layout.n_neurons)
        channels = (n_samples, layout.network.n_inputs)
        graded = layout.network.takes_integers
        for name in ("u", "v", "a", "s", "hold"):
            states.setdefault(name, np.zeros(shape, np.int32))
        self.memory = kernel.Memory(
            arriving=np.zeros(
                (n_samples, layout.n_slots * layout.n_neurons), np.int64 if graded else np.int32
            ),
            sent=np.zeros(channels, input_type(layout.network)),
            **states,
        )
        self.counts = kernel.Counts(
            input_spikes=np.zeros(channels, np.int64),
            **{name: np.zeros(shape, np.int64) for name in ("spikes", "wraps", "saturations")},
            **{name: np.zeros(shape, np.int32) for name in ("v_min", "v_max")},
        )
        self._n_steps = np.zeros(1, np.int64)

    @property
    def n_steps(self):
        """Steps since the reset."""
        return int(self._n_steps[0])

    def arrays(self):
        """All that changes, by name."""
        return {**self.memory._asdict(), **self.counts._asdict(), "n_steps": self._n_steps}

    def reset(self):
        """Forget everything: states, what is on its way, counts."""
        for array in self.arrays().values():
            array[...] = 0

    def advance(self, values, recordings, stopped=lambda: False):
        """Take the samples through some steps.

        Parameters
        ----------
        values : ndarray of :func:`input_type`, shape (n_samples, time, n_inputs)
        recordings : kernel.Recordings
            Arrays to write to, as :func:`empty_recordings` makes them.
        stopped : callable, optional
            Asked now and then whether to leave it at that.
        """
        n_steps = values.shape[1]
        block = max(1, UPDATES_PER_CALL // self.memory.u.size)
        for first in range(0, n_steps, block):
            if stopped():
                return
            last = min(first + block, n_steps)
            kernel.advance(
                values,
                first,
                last,
                self.n_steps % self.layout.n_slots,
                self.layout.direct,
                self.layout.synapses,
                self.layout.coefficients,
                self.memory,
                self.counts,
                recordings,
            )
            self._n_steps += last - first

    def output(self):
        """Voltages of the last layer or counts of its spikes, int64, (n_samples, n_outputs)."""
        network = self.layout.network
        last = self.layout.layers[network.layers[-1].name]
        values = self.memory.v if network.readout == "voltage" else self.counts.spikes
        return values[:, last].astype(np.int64)

    def operations(self):
        """Counts of all samples together.

        Returns
        -------
        Operations
        """
        layout, counts = self.layout, self.counts
        n_samples = len(counts.spikes)
        n_steps = n_samples * self.n_steps
        sent = counts.input_spikes.sum(axis=0)
        if not layout.direct:
            sent = sent + np.count_nonzero(self.memory.sent, axis=0)
        spikes, wraps, saturations = (
            array.sum(axis=0) for array in (counts.spikes, counts.wraps, counts.saturations)
        )
        senders = {None: sent, **{name: spikes[where] for name, where in layout.layers.items()}}
        return Operations(
            n_samples=n_samples,
            n_steps=n_steps,
            input_spikes=int(sent.sum()),
            spikes={name: int(spikes[where].sum()) for name, where in layout.layers.items()},
            synaptic_events={
                name: int(senders[sender] @ synapses)
                for name, (sender, synapses) in layout.fan_out.items()
            },
            neuron_updates={
                name: (where.stop - where.start) * n_steps for name, where in layout.layers.items()
            },
            wraps={name: int(wraps[where].sum()) for name, where in layout.groups.items()},
            saturations={
                name: int(saturations[where].sum()) for name, where in layout.groups.items()
            },
            v_min={name: int(counts.v_min[:, where].min()) for name, where in layout.groups.items()},
            v_max={name: int(counts.v_max[:, where].max()) for name, where in layout.groups.items()},
        )
