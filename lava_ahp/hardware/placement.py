"""Places a network on the cores and chips of Loihi: few cores first, little traffic second.

Cores are filled by vector bin packing: first fit, the most demanding populations first, each
divided where a core is full. How many output axons a neuron takes depends on where its targets
come to lie, so the packing is repeated until what it reserved is enough. Cores go to chips in
the order of their layers; then pairs of cores are exchanged, best gain first, until no exchange
saves a spike between chips (the refinement of Kernighan and Lin, for many parts).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.hardware import limits
from lava_ahp.hardware.demand import populations

DEFAULT_RATE = 0.05
"""Spikes per neuron or channel and step that are assumed where nothing was measured."""

FIRST_GUESS = 64
"""Neurons whose demand is worked out first when a run is looked for."""

FULL = 7 / 8
"""Use of any resource from which on a core takes no other population: crumbs of many
populations on one core would save few cores and cost many axons."""


@dataclass(frozen=True, eq=False)
class Block:
    """Neurons of one layer that lie on one core.

    Attributes
    ----------
    core : int
    layer : str
    neurons : ndarray of int
        Their indices within the layer.
    """

    core: int
    layer: str
    neurons: np.ndarray


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a network's neurons lie and what that takes.

    Attributes
    ----------
    chip : lava_ahp.hardware.limits.Chip
        What it was placed on.
    layers : tuple of str
        Names of the network's layers.
    blocks : tuple of Block
        Every neuron lies in one of them.
    use : dict of ndarray of int, shape (n_cores,)
        What is taken of each core, by resource.
    total : dict of int
        What the network would take of one core without limits, by resource; output axons
        as they are placed.
    stopped_by : tuple of str
        For each core the resource of which the last neuron that was turned away found too
        little; empty for a core that had room for all.
    chip_of : ndarray of int, shape (n_cores,)
    traffic : ndarray of float, shape (n_cores, n_cores)
        Spikes that one core (row) sends to another (column) in a step. A spike counts once
        for each input axon that it reaches.
    input_traffic : ndarray of float, shape (n_cores,)
        Spikes of the input that reach each core in a step.
    synaptic_events : ndarray of float, shape (n_cores,)
        Synapses of each core that a spike reaches in a step, those onto auxiliary
        compartments included.
    spikes : ndarray of float, shape (n_cores,)
        Spikes of the neurons of each core in a step.
    """

    chip: limits.Chip
    layers: tuple[str, ...]
    blocks: tuple[Block, ...]
    use: dict
    total: dict
    stopped_by: tuple[str, ...]
    chip_of: np.ndarray
    traffic: np.ndarray
    input_traffic: np.ndarray
    synaptic_events: np.ndarray
    spikes: np.ndarray

    @property
    def n_cores(self):
        """Cores that hold neurons."""
        return len(self.chip_of)

    @property
    def n_chips(self):
        """Chips that hold cores in use."""
        return int(self.chip_of.max()) + 1

    @property
    def chip_traffic(self):
        """Spikes that one chip (row) sends to another (column) in a step."""
        chips = np.eye(self.n_chips)[self.chip_of]
        return chips.T @ self.traffic @ chips

    @property
    def spikes_between_cores(self):
        """Spikes from a core to another one, in a step."""
        return float(self.traffic.sum() - np.trace(self.traffic))

    @property
    def spikes_between_chips(self):
        """Spikes from a chip to another one, in a step."""
        return float(self.chip_traffic.sum() - np.trace(self.chip_traffic))

    @property
    def fractions(self):
        """Used part of each core's resources, by resource, shape (n_cores,)."""
        return {name: used / self.chip.core[name].value for name, used in self.use.items()}

    @property
    def cores_needed(self):
        """Cores that each resource alone would need, had it been dealt out without loss."""
        return {
            name: -(-total // self.chip.core[name].value) for name, total in self.total.items()
        }

    @property
    def binding(self):
        """The resource that stopped most cores; where none was stopped, the scarcest one."""
        stops = Counter(name for name in self.stopped_by if name)
        if stops:
            return stops.most_common(1)[0][0]
        return max(self.fractions, key=lambda name: self.fractions[name].max())

    def to_dict(self):
        """Plain numbers, strings, lists and dicts, fit for JSON."""
        layers = [{} for _ in range(self.n_cores)]
        for block in self.blocks:
            layers[block.core].setdefault(block.layer, []).extend(block.neurons.tolist())
        return {
            "target": self.chip.name,
            "n_cores": self.n_cores,
            "n_chips": self.n_chips,
            "binding": self.binding,
            "cores_needed": self.cores_needed,
            "spikes_between_cores": self.spikes_between_cores,
            "spikes_between_chips": self.spikes_between_chips,
            "input_spikes": float(self.input_traffic.sum()),
            "chip_traffic": self.chip_traffic.tolist(),
            "limits": self.chip.to_dict(),
            "cores": [
                {
                    "chip": int(self.chip_of[core]),
                    "neurons": {name: sorted(found) for name, found in layers[core].items()},
                    "stopped_by": self.stopped_by[core] or None,
                    "use": {name: int(used[core]) for name, used in self.use.items()},
                }
                for core in range(self.n_cores)
            ],
        }


def place(network, target="loihi1", rates=DEFAULT_RATE, input_rate=DEFAULT_RATE):
    """Place a network on cores and chips.

    Parameters
    ----------
    network : NetworkSpec
    target : {"loihi1", "loihi2"}, optional
    rates : float or dict, optional
        Spikes per neuron and step: one for all, or by the layer's name a number or an array
        of one per neuron.
    input_rate : float or ndarray, optional
        The same for the input channels.

    Returns
    -------
    Placement

    Raises
    ------
    ParameterError
        If a neuron asks for more than a core has; the message names each layer that does
        not fit and the limit.

    Examples
    --------
    >>> from lava_ahp import netx
    >>> placement = place(netx.load("digits"), "loihi2")
    >>> placement.n_chips
    1
    """
    chip = limits.get(target)
    if not isinstance(rates, dict):
        rates = {layer.name: rates for layer in network.layers}
    rates = [
        *(_rate(layer.name, rates.get(layer.name), layer.n_neurons) for layer in network.layers),
        _rate("input", input_rate, network.n_inputs),
    ]
    parts = populations(network, chip)
    fan_out = [np.zeros(layer.n_neurons, np.int64) for layer in network.layers]
    while True:
        filled = _fill(network, parts, fan_out, chip)
        found = _fan_out(network, parts, filled)
        _count_output_axons(parts, filled, found)
        if max(used["output_axons"] for used in filled.used) <= chip.core["output_axons"].value:
            break
        # What is reserved only grows, so this ends: in a placement, or in a neuron that does
        # not fit.
        fan_out = [np.maximum(reserved, taken) for reserved, taken in zip(fan_out, found)]
    filled.in_order_of_layers()
    activity = _activity(network, parts, filled, rates)
    return Placement(
        chip=chip,
        layers=tuple(layer.name for layer in network.layers),
        blocks=tuple(
            Block(core, network.layers[parts[p].layer].name, parts[p].neurons[start:stop])
            for core, pieces in enumerate(filled.cores)
            for p, start, stop in pieces
        ),
        use={name: np.array([used[name] for used in filled.used]) for name in chip.core},
        total=_total(parts, found, chip),
        stopped_by=tuple(filled.stopped_by),
        chip_of=assign_chips(activity["traffic"], chip.cores.value),
        **activity,
    )


@dataclass
class _Filled:
    """Cores as lists of pieces `(population, start, stop)`, what they use and what stopped each."""

    cores: list
    used: list
    stopped_by: list

    def in_order_of_layers(self):
        """Sort the cores by the populations that they begin with."""
        order = sorted(range(len(self.cores)), key=lambda core: min(self.cores[core]))
        for name in ("cores", "used", "stopped_by"):
            setattr(self, name, [getattr(self, name)[core] for core in order])


def _fill(network, parts, fan_out, chip):
    """Pack the populations into few cores; ParameterError if a neuron alone is too much."""
    cores, used, stopped_by, problems = [], [], [], []

    def weight(p):
        demand = parts[p].demand(0, len(parts[p]), fan_out[parts[p].layer])
        return max(demand[name] / limit.value for name, limit in chip.core.items())

    def has_room(core):
        return all(
            used[core][name] <= FULL * limit.value for name, limit in chip.core.items()
        )

    for p in sorted(range(len(parts)), key=weight, reverse=True):
        part, start, guess = parts[p], 0, FIRST_GUESS
        candidates = [core for core in range(len(cores)) if has_room(core)]
        while start < len(part):
            if candidates:
                core = candidates.pop(0)
            else:
                core = len(cores)
                cores.append([])
                used.append(dict.fromkeys(chip.core, 0))
                stopped_by.append("")
            n, total, over = _longest_run(
                part, start, used[core], fan_out[part.layer], chip, guess
            )
            if n:
                cores[core].append((p, start, start + n))
                used[core] = total
                start, guess = start + n, n + 1
            elif not cores[core]:
                problems.append(_problem(network, part, start, fan_out[part.layer], chip))
                break
            if over:
                stopped_by[core] = over
    if problems:
        raise ParameterError(f"network: does not fit: {'; '.join(problems)}")
    return _Filled(cores, used, stopped_by)


def _problem(network, part, start, fan_out, chip):
    """Why a neuron does not fit, even on a core of its own."""
    demand = part.demand(start, start + 1, fan_out)
    name = max(chip.core, key=lambda name: demand[name] / chip.core[name].value)
    return (
        f"layer {network.layers[part.layer].name!r}: neuron {part.neurons[start]} takes "
        f"{demand[name]:,} {limits.RESOURCES[name]}, a core of {chip.name} has "
        f"{chip.core[name].value:,}"
    )


def _longest_run(part, start, used, fan_out, chip, guess):
    """Neurons of the longest run from `start` that fits beside what is used.

    Returns
    -------
    n : int
    total : dict of int
        What is used then.
    stopped_by : str
        The resource of which the next neuron found too little; empty if there is none.
    """
    n_left = len(part) - start
    while True:
        size = min(guess, n_left)
        demands = part.demands(start, start + size, fan_out)
        totals = {name: demands[name] + used[name] for name in chip.core}
        over = {name: totals[name] > limit.value for name, limit in chip.core.items()}
        n_fit = {name: int(np.argmax(o)) for name, o in over.items() if o.any()}
        if n_fit or size == n_left:
            stopped_by = min(n_fit, key=n_fit.get, default="")
            n = n_fit.get(stopped_by, n_left)
            total = {name: int(values[n - 1]) for name, values in totals.items()} if n else used
            return n, total, stopped_by
        guess *= 2


def _fan_out(network, parts, filled):
    """Output axons that each neuron takes, by layer, given where its targets lie."""
    found = [np.zeros(layer.n_neurons, np.int64) for layer in network.layers]
    for _, bundle, synapses in _synapses(parts, filled):
        if bundle.source >= 0:
            found[bundle.source] += synapses > 0
    return found


def _synapses(parts, filled):
    """For each bundle and core: how many synapses each source has there."""
    for core, pieces in enumerate(filled.cores):
        for p, start, stop in pieces:
            for bundle in parts[p].bundles:
                yield core, bundle, bundle.synapses(start, stop)


def _count_output_axons(parts, filled, fan_out):
    """Put what is really taken in the place of what was reserved."""
    for used, pieces in zip(filled.used, filled.cores):
        used["output_axons"] = sum(
            int(parts[p].output_axons(start, stop, fan_out[parts[p].layer])[-1])
            for p, start, stop in pieces
        )


def _total(parts, fan_out, chip):
    demands = [part.demand(0, len(part), fan_out[part.layer]) for part in parts]
    return {name: sum(demand[name] for demand in demands) for name in chip.core}


def _rate(name, rate, size):
    """Spikes per step of each neuron of a layer, or of each channel, as an array."""
    array = np.asarray(rate)
    if (
        array.dtype.kind not in "iuf"
        or array.shape not in ((), (size,))
        or not (np.isfinite(array) & (array >= 0)).all()
    ):
        raise ParameterError(
            f"rate of {name!r}: found {rate!r}, expected one number of at least 0, or {size}"
        )
    return np.broadcast_to(array.astype(float), (size,))


def _activity(network, parts, filled, rates):
    """Spikes and synaptic events in a step, by the names that a Placement has for them."""
    n = len(filled.cores)
    core_of = [np.zeros(layer.n_neurons, np.int64) for layer in network.layers]
    traffic, input_traffic = np.zeros((n, n)), np.zeros(n)
    events, spikes = np.zeros(n), np.zeros(n)
    for core, pieces in enumerate(filled.cores):
        for p, start, stop in pieces:
            neurons, joined = parts[p].neurons[start:stop], parts[p].joined[start:stop]
            core_of[parts[p].layer][neurons] = core
            sent = rates[parts[p].layer][neurons]
            spikes[core] += sent.sum()
            # from main compartments to their auxiliary ones
            events[core] += sent[joined].sum()
            traffic[core, core] += sent[joined].sum()
    for core, bundle, synapses in _synapses(parts, filled):
        sent = rates[bundle.source]
        events[core] += sent @ synapses
        if bundle.source < 0:
            input_traffic[core] += sent[synapses > 0].sum()
        else:
            sent = sent * (synapses > 0)
            traffic[:, core] += np.bincount(core_of[bundle.source], sent, minlength=n)
    return {
        "traffic": traffic,
        "input_traffic": input_traffic,
        "synaptic_events": events,
        "spikes": spikes,
    }


def assign_chips(traffic, cores_per_chip):
    """Chip of each core, with as few spikes between chips as exchanges of two cores reach.

    Parameters
    ----------
    traffic : ndarray of float, shape (n_cores, n_cores)
    cores_per_chip : int

    Returns
    -------
    ndarray of int, shape (n_cores,)
        As few chips as hold the cores.
    """
    n_cores = len(traffic)
    n_chips = -(-n_cores // cores_per_chip)
    # Places without a core take part, so that a core can also move to a chip with room.
    n = n_chips * cores_per_chip
    both_ways = np.zeros((n, n))
    both_ways[:n_cores, :n_cores] = traffic + traffic.T
    np.fill_diagonal(both_ways, 0)
    chip_of = np.arange(n) // cores_per_chip
    to_chip = both_ways @ np.eye(n_chips)[chip_of]
    places = np.arange(n)
    least = 1e-9 * max(both_ways.max(initial=0.0), 1e-300)
    improved = n_chips > 1
    while improved:
        improved = False
        for i in range(n_cores):
            a = chip_of[i]
            gain = (
                to_chip[i, chip_of] - to_chip[i, a]
                + to_chip[:, a] - to_chip[places, chip_of]
                - 2 * both_ways[i]
            )  # fmt: skip
            gain[chip_of == a] = -np.inf
            j = int(np.argmax(gain))
            if gain[j] > least:
                b = chip_of[j]
                difference = both_ways[:, j] - both_ways[:, i]
                to_chip[:, a] += difference
                to_chip[:, b] -= difference
                chip_of[i], chip_of[j] = b, a
                improved = True
    return chip_of[:n_cores]
