"""A network laid out flat: one population of neurons, and synapses by who sends.

Layers follow one another in one array of neurons. That changes nothing: whatever is sent
arrives a step later at the earliest, so that no layer waits for another within a step.
Sources are numbered through, the input channels first and then the neurons.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lava_ahp.dynamics import FixedCoefficients

from lava_ahp.network import NetworkSpec

DENSE_SHARE = 1 / 10
"""Share of synapses present from which on whole rows of weights are added."""


BLOCK = 32
"""Neighbouring neurons whose sums are added to in one go: a few vector registers."""


class Synapses(NamedTuple):
    """Synapses by source: source `j` has `start[j]` to `start[j + 1]` of each kind.

    Where they lead to is a place in the ring of slots, flat: the delay in steps times the
    number of neurons, plus the neuron.

    Attributes
    ----------
    row_start : ndarray of int64, shape (n_sources + 1,)
    row : ndarray of int64, shape (n_rows, 3)
        Rows of weights onto neighbouring neurons: where the first weight stands in
        `row_weight`, where it leads to, the number of neurons.
    row_weight : ndarray of int16
    start : ndarray of int64, shape (n_sources + 1,)
        Single synapses, where only few of the neighbouring neurons have one.
    target : ndarray of uint32
    weight : ndarray of int16
    """

    row_start: Any
    row: Any
    row_weight: Any
    start: Any
    target: Any
    weight: Any


@dataclass(frozen=True, eq=False)
class Layout:
    """What runs a network, apart from its state.

    Attributes
    ----------
    network : NetworkSpec
    layers : dict of slice
        Neurons of each layer, by name.
    groups : dict of slice
        Neurons of each group, by label.
    coefficients : FixedCoefficients
        Constants of the step, int32, shape (n_neurons,).
    synapses : Synapses
    fan_out : dict of tuple (str or None, ndarray of int64)
        By connection: the layer that sends, None for the input, and the number of
        synapses of each of its neurons or channels.
    n_slots : int
        Steps ahead, this one included, in which something may arrive.
    """

    network: NetworkSpec
    layers: dict
    groups: dict
    coefficients: FixedCoefficients
    synapses: Synapses
    fan_out: dict
    n_slots: int

    @property
    def n_neurons(self):
        """Number of neurons of all layers."""
        return len(self.coefficients.threshold)

    @property
    def direct(self):
        """Whether the input enters the first layer without a connection."""
        return self.network.layers[0].inputs is None


def lay_out(network):
    """The layout of a network.

    Parameters
    ----------
    network : NetworkSpec

    Returns
    -------
    Layout
    """
    layers, start = {}, 0
    for layer in network.layers:
        layers[layer.name] = slice(start, start + layer.n_neurons)
        start += layer.n_neurons
    groups = {
        label: slice(layers[layer.name].start + where.start, layers[layer.name].start + where.stop)
        for label, layer, where in network.labelled_groups()
    }
    constants = [layer.neuron.broadcast(layer.n_neurons).coefficients() for layer in network.layers]
    builder, fan_out, n_slots = _Builder(start), {}, 1
    for sender, n, outgoing in _senders(network):
        for name, (_, connection) in outgoing.items():
            fan_out[name] = sender, np.count_nonzero(connection.effective_weight, axis=0)
            n_slots = max(n_slots, connection.max_delay + 1)
        first = min((layers[target].start for target, _ in outgoing.values()), default=0)
        builder.add(n, [connection for _, connection in outgoing.values()], first)
    return Layout(
        network=network,
        layers=layers,
        groups=groups,
        coefficients=FixedCoefficients(
            *(np.concatenate(values).astype(np.int32) for values in zip(*constants))
        ),
        synapses=builder.synapses(),
        fan_out=fan_out,
        n_slots=n_slots,
    )


def _senders(network):
    """What sends, in the order of sources: its layer (None for the input), its size, and where to.

    The last is a dict of connections by name, each with the name of the layer that
    receives; these layers are neighbours.
    """
    first = network.layers[0]
    outgoing = {f"{first.name}.weight": (first.name, first.inputs)} if first.inputs else {}
    yield None, network.n_inputs, outgoing
    for layer, after in zip(network.layers, (*network.layers[1:], None)):
        outgoing = {}
        if layer.recurrent is not None:
            outgoing[f"{layer.name}.weight_rec"] = layer.name, layer.recurrent
        if after is not None:
            outgoing[f"{after.name}.weight"] = after.name, after.inputs
        yield layer.name, layer.n_neurons, outgoing


class _Builder:
    """Collects the synapses of one population after the other."""

    def __init__(self, n_neurons):
        self.n_neurons = n_neurons
        self.n_rows, self.rows, self.row_weights = [], [np.empty((0, 3), np.int64)], []
        self.n_single, self.targets, self.weights = [], [], []
        self.n_row_weights = 0

    def add(self, n_sources, connections, first):
        """Add what a population sends to the neurons from `first` on."""
        n_targets = sum(connection.n_targets for connection in connections)
        weight, delay = np.empty((2, n_sources, n_targets), np.int16)
        start = 0
        for connection in connections:
            where = slice(start, start + connection.n_targets)
            weight[:, where] = connection.effective_weight.T
            delay[:, where] = 0 if connection.delay is None else connection.delay.T
            start = where.stop
        rest = weight != 0
        counts = np.bincount(delay[rest])
        dense = np.flatnonzero(counts >= DENSE_SHARE * max(weight.size, 1))
        for d in dense:
            chosen = delay == d
            self.row_weights.append(np.where(chosen, weight, 0).ravel())
            rest &= ~chosen
        row = np.empty((n_sources, len(dense), 3), np.int64)
        order = np.arange(n_sources)[:, np.newaxis] + np.arange(len(dense)) * n_sources
        row[..., 0] = self.n_row_weights + order * n_targets
        row[..., 1] = dense * self.n_neurons + first
        row[..., 2] = n_targets
        self.n_row_weights += len(dense) * weight.size
        self.rows.append(row.reshape(-1, 3))
        self.n_rows += [len(dense)] * n_sources
        _, target = np.nonzero(rest)
        self.targets.append((delay[rest] * np.int64(self.n_neurons) + target + first).astype(np.uint32))
        self.weights.append(weight[rest])
        self.n_single += np.count_nonzero(rest, axis=1).tolist()

    def synapses(self):
        """All of them, by source."""
        return Synapses(
            row_start=_starts(self.n_rows),
            row=np.concatenate(self.rows),
            row_weight=np.concatenate([np.empty(0, np.int16), *self.row_weights]),
            start=_starts(self.n_single),
            target=np.concatenate(self.targets),
            weight=np.concatenate(self.weights),
        )


def _starts(counts):
    """Where each of some runs of these lengths begins, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
