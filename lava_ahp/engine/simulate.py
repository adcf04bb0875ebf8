"""Simulation of a batch of samples, a NumPy loop over the one integer step."""

from dataclasses import dataclass, field

import numpy as np

from lava_ahp.dynamics import fixed_step, resting_state
from lava_ahp.errors import ParameterError

RECORDABLE = ("spikes", "u", "v", "a")


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
        Steps simulated.
    spikes : dict of ndarray of uint8, shape (batch, time, n_neurons)
        By layer; empty unless recorded.
    u, v, a : dict of ndarray of int32, shape (batch, time, n_neurons)
        Currents, voltages after the reset, and AHP currents, by layer; empty unless
        recorded.
    """

    output: np.ndarray
    spike_counts: dict
    n_steps: int
    spikes: dict = field(default_factory=dict)
    u: dict = field(default_factory=dict)
    v: dict = field(default_factory=dict)
    a: dict = field(default_factory=dict)

    @property
    def predictions(self):
        """Index of the first largest output of each sample, int64, shape (batch,)."""
        return np.argmax(self.output, axis=1).astype(np.int64)


def simulate(network, spikes, record=()):
    """Run a network over a batch of samples, each from rest.

    An input of step `t` acts in step `t + 1`, as on the chip; the input of the last
    step therefore has no effect. Before a layer that takes its input directly it acts
    in the same step.

    Parameters
    ----------
    network : NetworkSpec
    spikes : array_like of int or bool, shape (batch, time, n_inputs)
        Input spikes, 0 or 1; any integers where the network takes graded input.
    record : iterable of {"spikes", "u", "v", "a"}, optional
        What to keep of every step.

    Returns
    -------
    Result

    Raises
    ------
    ParameterError
        If the input has another shape or type, or `record` names something else.
    """
    spikes = check_input(network, spikes)
    record = tuple(record)
    unknown = [name for name in record if name not in RECORDABLE]
    if unknown:
        raise ParameterError(f"record: found {unknown[0]!r}, expected any of {RECORDABLE}")

    batch, n_steps, _ = spikes.shape
    populations = [_Population(layer, batch) for layer in network.layers]
    records = {
        name: {
            layer.name: np.empty(
                (batch, n_steps, layer.n_neurons), np.uint8 if name == "spikes" else np.int32
            )
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


def check_input(network, spikes):
    """The input as an int64 array of shape (batch, time, n_inputs), or an error."""
    array = np.asarray(spikes)
    if array.ndim != 3 or array.shape[2] != network.n_inputs:
        raise ParameterError(
            f"spikes: found shape {array.shape}, expected (batch, time, {network.n_inputs})"
        )
    if array.dtype.kind not in "biu":
        raise ParameterError(f"spikes: found type {array.dtype}, expected integers or bool")
    array = array.astype(np.int64)
    if not network.takes_integers and array.size and (array.min() < 0 or array.max() > 1):
        raise ParameterError(
            f"spikes: found values from {array.min()} to {array.max()}, expected 0 or 1"
        )
    return array


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
