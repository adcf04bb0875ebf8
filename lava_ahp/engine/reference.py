"""The engine's meaning, for reading and for tests: a NumPy loop over the one integer step."""

import numpy as np

from lava_ahp.dynamics import fixed_step, resting_state
from lava_ahp.engine.inputs import check_input
from lava_ahp.engine.result import RECORDABLE, Result, check_record


def simulate(network, spikes, record=()):
    """As :func:`lava_ahp.engine.simulate` for one array, in every bit, without counts."""
    spikes = check_input(network, spikes).astype(np.int64)
    record = check_record(record)
    batch, n_steps, _ = spikes.shape
    populations = [_Population(layer, batch) for layer in network.layers]
    records = {
        name: {
            layer.name: np.empty((batch, n_steps, layer.n_neurons), RECORDABLE[name])
            for layer in network.layers
        }
        for name in record
    }
    counts = [np.zeros((batch, layer.n_neurons), np.int64) for layer in network.layers]
    for t in range(n_steps):
        sent = spikes[:, t]
        for population, count in zip(populations, counts):
            sent = population.step(sent)
            count += sent
            for name, by_layer in records.items():
                value = population.state.s if name == "spikes" else getattr(population.state, name)
                by_layer[population.name][:, t] = value
    last = populations[-1]
    return Result(
        output=last.state.v.copy() if network.readout == "voltage" else counts[-1],
        spike_counts={layer.name: count for layer, count in zip(network.layers, counts)},
        n_steps=n_steps,
        **records,
    )


class _Population:
    """A layer in the course of a simulation: its state and what is on its way to it."""

    def __init__(self, layer, batch):
        self.name = layer.name
        self.coefficients = layer.neuron.broadcast(layer.n_neurons).coefficients()
        self.state = resting_state(np.zeros((batch, layer.n_neurons), np.int64))
        self.inputs = layer.inputs and _Axons(layer.inputs, batch)
        self.recurrent = layer.recurrent and _Axons(layer.recurrent, batch)

    def step(self, sent):
        """Advance by one step; `sent` are this step's spikes of the layer before."""
        x = sent if self.inputs is None else self.inputs.arriving()
        if self.recurrent is not None:
            x = x + self.recurrent.arriving()
        self.state = fixed_step(x, self.state, self.coefficients)
        if self.inputs is not None:
            self.inputs.send(sent)
        if self.recurrent is not None:
            self.recurrent.send(self.state.s)
        return self.state.s


class _Axons:
    """A connection and the activation that travels on it, one slot per step ahead."""

    def __init__(self, connection, batch):
        weight = connection.effective_weight
        delay = np.zeros_like(weight) if connection.delay is None else connection.delay
        # Float products of integers below 2**53 are exact and use BLAS.
        self.by_delay = {
            int(d): np.where(delay == d, weight, 0).T.astype(float) for d in np.unique(delay)
        }
        self.slots = np.zeros((connection.max_delay + 1, batch, len(weight)), np.int64)

    def arriving(self):
        """Activation that arrives in this step; its slot is freed for a later one."""
        now = self.slots[0].copy()
        self.slots = np.roll(self.slots, -1, axis=0)
        self.slots[-1] = 0
        return now

    def send(self, spikes):
        """Put spikes of this step on their way; delay 0 arrives in the next step."""
        for d, weight in self.by_delay.items():
            self.slots[d] += (spikes.astype(float) @ weight).astype(np.int64)
