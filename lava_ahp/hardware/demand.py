"""What neurons ask of the core that holds them: compartments, axons, synaptic memory, state."""

import numpy as np
from scipy.sparse import csr_array

from lava_ahp.hardware.limits import (
    DELAY_BITS,
    STATE_WORD_BYTES,
    SYNAPSE_HEADER_BITS,
    SYNAPSE_WORD_BITS,
    SYNAPSES_PER_HEADER,
    WEIGHT_BITS,
)

PROFILE = ("du", "dv", "refractory_period", "bias_exp")
"""Parameters that compartments share through a profile; the auxiliary one's is `da`."""


class Bundle:
    """Synapses of one format: of one connection, one sign and one weight exponent.

    Each source takes an input axon of its own in every core that it reaches, and an entry
    among the output axons of its own core.

    Parameters
    ----------
    source : int
        Index of the layer that sends; -1 is the input of the network.
    weight : ndarray of int, shape (target, source)
        Rows in the order of the population that receives.
    has_delays : bool
    chip : lava_ahp.hardware.limits.Chip
    """

    def __init__(self, source, weight, has_delays, chip):
        synapses = csr_array(weight != 0)
        self.source = source
        self._n_sources = weight.shape[1]
        self._rows, self._sources = synapses.indptr, synapses.indices
        order = np.argsort(self._sources, kind="stable")
        fan_out = np.bincount(self._sources, minlength=self._n_sources)
        # the place of each synapse among those of its source
        self._rank = np.empty(len(order), np.int64)
        self._rank[order] = np.arange(len(order)) - np.repeat(
            np.cumsum(fan_out) - fan_out, fan_out
        )
        bits = _weight_bits(weight) + DELAY_BITS * has_delays
        lengths = np.arange(weight.shape[0] + 1)
        self._sparse_words = _list_words(lengths, bits + chip.index_bits.value)
        self._dense_words = _list_words(lengths, bits)

    def synapses(self, start, stop):
        """Synapses that each source has onto the targets `start` to `stop`."""
        sources = self._sources[self._rows[start] : self._rows[stop]]
        return np.bincount(sources, minlength=self._n_sources)

    def demands(self, start, stop):
        """Input axons and bytes of synapses for each run of targets from `start` on.

        Returns
        -------
        axons, n_bytes : ndarray of int, shape (stop - start,)
            For runs of 1, 2, .. targets; lists are sparse or dense, whichever is shorter.
        """
        rows = self._rows[start : stop + 1]
        sources, rank = (a[rows[0] : rows[-1]] for a in (self._sources, self._rank))
        first = np.zeros(self._n_sources, np.int64)
        first[sources[::-1]] = rank[::-1]
        place = rank - first[sources]

        def up_to_row(values):
            return np.concatenate([[0], np.cumsum(values)])[rows[1:] - rows[0]]

        axons = up_to_row(place == 0)
        sparse = up_to_row(self._sparse_words[place + 1] - self._sparse_words[place])
        dense = axons * self._dense_words[1 : stop - start + 1]
        return axons, np.minimum(sparse, dense) * SYNAPSE_WORD_BITS // 8


class Population:
    """Neurons of one layer that receive their weights with the same exponent.

    Their order brings neurons with the same parameters together.

    Parameters
    ----------
    network : NetworkSpec
    layer : int
        Index of the layer.
    neurons : ndarray of int
        Their indices within the layer.
    chip : lava_ahp.hardware.limits.Chip

    Attributes
    ----------
    layer : int
    neurons : ndarray of int
        In the population's order.
    joined : ndarray of bool, shape (n_neurons,)
        Which have an auxiliary compartment.
    bundles : list of Bundle
        Synapses onto them.
    """

    def __init__(self, network, layer, neurons, chip):
        spec = network.layers[layer]
        p = spec.neuron.broadcast(spec.n_neurons).arguments()
        order = np.lexsort([p[name][neurons] for name in ("da", *PROFILE[::-1], "vth")])
        self.layer = layer
        self.neurons = neurons[order]
        p = {name: value[self.neurons] for name, value in p.items()}
        is_ahp = p["ahp_mant"] != 0
        self.joined = is_ahp & (chip.ahp_compartments.value > 1)
        self._per_ahp = chip.ahp_compartments.value
        self._profile = np.stack([p[name] for name in PROFILE], axis=1)
        self._vth = p["vth"][:, None]
        self._da = p["da"]
        n_varying = sum(bool(np.ptp(value)) for value in p.values())
        n_states = 2 + is_ahp + (p["refractory_period"] > 0)
        self._state_bytes = STATE_WORD_BYTES * (n_states + n_varying)
        self.bundles = [
            Bundle(source, half[self.neurons], connection.max_delay > 0, chip)
            for source, connection in _connections(network, layer)
            for half in connection.halves()
        ]

    def __len__(self):
        return len(self.neurons)

    def demands(self, start, stop, fan_out):
        """What each run of neurons from `start` on asks of a core.

        Parameters
        ----------
        start, stop : int
            Places in the order of the population.
        fan_out : ndarray of int, shape (n_neurons of the layer,)
            Output axons that each neuron of the layer takes.

        Returns
        -------
        dict of ndarray of int, shape (stop - start,)
            For runs of 1, 2, .. neurons, by resource.
        """
        run = slice(start, stop)
        joined = np.cumsum(self.joined[run])
        any_joined = joined > 0
        lists = [bundle.demands(start, stop) for bundle in self.bundles]
        n = np.arange(1, stop - start + 1)
        # The spikes of a main compartment reach its auxiliary one through an axon of their own.
        return {
            "compartments": n + (self._per_ahp - 1) * joined,
            "profiles": _distinct(self._profile[run])
            + np.cumsum(_is_first(self._da[run], self.joined[run])),
            "thresholds": _distinct(self._vth[run]) + any_joined,
            "formats": sum((axons > 0 for axons, _ in lists), any_joined * 1),
            "input_axons": sum((axons for axons, _ in lists), joined),
            "output_axons": self.output_axons(start, stop, fan_out),
            "synapse_bytes": sum((b for _, b in lists), joined * SYNAPSE_WORD_BITS // 8),
            "state_bytes": np.cumsum(self._state_bytes[run]),
        }

    def output_axons(self, start, stop, fan_out):
        """Output axons of each run of neurons from `start` on, as in :meth:`demands`."""
        run = slice(start, stop)
        return np.cumsum(fan_out[self.neurons[run]] + self.joined[run])

    def demand(self, start, stop, fan_out):
        """What the neurons from `start` to `stop` ask of a core, by resource."""
        demands = self.demands(start, stop, fan_out)
        return {name: int(values[-1]) for name, values in demands.items()}


def populations(network, chip):
    """The network's neurons as populations, layer by layer."""
    found = []
    for index, layer in enumerate(network.layers):
        exponents = layer.neuron.broadcast(layer.n_neurons).in_exp
        for exponent in np.unique(exponents):
            neurons = np.flatnonzero(exponents == exponent)
            found.append(Population(network, index, neurons, chip))
    return found


def _connections(network, layer):
    """Connections into a layer with the index of the layer that each comes from."""
    spec = network.layers[layer]
    if spec.inputs is not None:
        yield layer - 1, spec.inputs
    if spec.recurrent is not None:
        yield layer, spec.recurrent


def _distinct(rows):
    """How many different rows there are up to each; equal ones stand together."""
    return 1 + np.concatenate([[0], np.cumsum((rows[1:] != rows[:-1]).any(axis=1))])


def _is_first(values, where):
    """Where a value stands for the first time among those that count."""
    first = np.zeros(len(values), bool)
    counted = np.flatnonzero(where)
    first[counted[np.unique(values[counted], return_index=True)[1]]] = True
    return first


def _weight_bits(weight):
    """Bits of the smallest field that holds the weights; low bits that are all 0 are left out."""
    used = int(np.bitwise_or.reduce(np.abs(weight), axis=None))
    both_signs = weight.min() < 0 < weight.max()
    needed = used.bit_length() - (used & -used).bit_length() + 1 + both_signs
    return next((bits for bits in WEIGHT_BITS if bits >= needed), WEIGHT_BITS[-1])


def _list_words(synapses, bits):
    """Words of the synaptic memory for lists of `synapses` entries of `bits` each."""
    headers = -(-synapses // SYNAPSES_PER_HEADER)
    return -(-(synapses * bits + headers * SYNAPSE_HEADER_BITS) // SYNAPSE_WORD_BITS)
