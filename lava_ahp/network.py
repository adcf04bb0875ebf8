"""A network as plain data: populations of neurons, their connections, the readout.

A network is a chain of layers, as lava-dl's netx files describe it. A layer is a
population of neurons with the connection it receives from the layer before it and,
if it is recurrent, one from itself. Arrays are (target, source), as Lava's Dense has
them, and (batch, time, neuron) for data.

Spikes that are sent in one step arrive in the next (`latency` 1, more with delays).
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.neuron import FixedAHPParameters

DELAY_MAX = 62
"""Longest delay of a connection in steps, beyond the latency of 1."""

SIGN_MODES = ("mixed", "split")

WEIGHT_MAX = 255
"""Largest magnitude of a weight whose connection has one sign: 8 bits."""

WEIGHT_RANGES = {"mixed": (-WEIGHT_MAX - 1, WEIGHT_MAX), "split": (-WEIGHT_MAX, WEIGHT_MAX)}
"""Smallest and largest weight by sign mode, both included."""


@dataclass(frozen=True, eq=False)
class Connection:
    """Synapses from one population to another.

    Attributes
    ----------
    weight : ndarray of int, shape (target, source)
        Weights; 0 where there is no synapse.
    sign_mode : {"mixed", "split"}
        How a matrix that has both signs lies in the synaptic memory. `mixed`: one
        connection of 8 bits including the sign; as in Lava's Dense the lowest bit of
        every weight is dropped (rounding down) and 255 becomes 254. `split`: an
        excitatory and an inhibitory connection of 8 bits each, every value counts.
        A matrix of one sign keeps its 8 bits in either mode; -256 becomes -255 there.
    delay : ndarray of int, shape (target, source), or None
        Steps that a spike travels in addition to the latency of 1, 0 to 62.

    Raises
    ------
    ParameterError
        If a weight or delay is out of range or a shape does not fit.
    """

    weight: np.ndarray
    sign_mode: str = "mixed"
    delay: np.ndarray | None = None

    def __post_init__(self):
        if self.sign_mode not in SIGN_MODES:
            raise ParameterError(
                f"sign_mode: found {self.sign_mode!r}, expected one of {SIGN_MODES}"
            )
        weight = _integers("weight", self.weight)
        if weight.ndim != 2 or 0 in weight.shape:
            raise ParameterError(
                f"weight: found shape {weight.shape}, expected (target, source)"
            )
        _check_bounds("weight", weight, *WEIGHT_RANGES[self.sign_mode])
        object.__setattr__(self, "weight", weight)
        if self.delay is not None:
            delay = _integers("delay", self.delay)
            if delay.shape != weight.shape:
                raise ParameterError(
                    f"delay: found shape {delay.shape}, expected {weight.shape} as the weights"
                )
            _check_bounds("delay", delay, 0, DELAY_MAX)
            object.__setattr__(self, "delay", delay)

    @property
    def n_targets(self):
        """Number of neurons that receive."""
        return self.weight.shape[0]

    @property
    def n_sources(self):
        """Number of neurons or channels that send."""
        return self.weight.shape[1]

    @property
    def n_synapses(self):
        """Number of weights that are not zero."""
        return int(np.count_nonzero(self.effective_weight))

    @property
    def effective_weight(self):
        """Weights as the hardware counts them, int64, shape (target, source)."""
        weight = self.weight
        if self.sign_mode == "mixed" and weight.min() < 0 < weight.max():
            return (weight >> 1) << 1
        return np.maximum(weight, -WEIGHT_MAX)

    def halves(self):
        """The matrices in which the synaptic memory holds the weights.

        Returns
        -------
        list of ndarray of int64, shape (target, source)
            One, or an excitatory and an inhibitory one.
        """
        weight = self.effective_weight
        if self.sign_mode == "split" and weight.min() < 0 < weight.max():
            return [np.maximum(weight, 0), np.minimum(weight, 0)]
        return [weight]

    @property
    def max_delay(self):
        """Longest delay in steps, 0 where there are none."""
        return 0 if self.delay is None else int(self.delay.max())


@dataclass(frozen=True)
class Group:
    """A named run of neighbouring neurons within a layer, for reports and plots."""

    name: str
    size: int


@dataclass(frozen=True, eq=False)
class Layer:
    """A population of neurons and the connections it receives.

    Attributes
    ----------
    name : str
        Unique within the network.
    n_neurons : int
        Size of the population.
    neuron : FixedAHPParameters
        Its parameters, scalars or one value per neuron.
    inputs : Connection or None
        From the layer before it. None where the input of the network enters the
        neurons directly, one channel a neuron, in the step in which it comes.
    recurrent : Connection or None
        From itself.
    groups : tuple of Group
        Covers the layer; by default one group with the layer's name.
    """

    name: str
    n_neurons: int
    neuron: FixedAHPParameters
    inputs: Connection | None = None
    recurrent: Connection | None = None
    groups: tuple[Group, ...] = ()

    def __post_init__(self):
        where = f"layer {self.name!r}"
        try:
            self.neuron.broadcast(self.n_neurons)
        except ParameterError as error:
            raise ParameterError(f"{where}: {error}") from None
        n = self.n_neurons
        if self.inputs is not None and self.inputs.n_targets != n:
            raise ParameterError(
                f"{where}: weight: found {self.inputs.n_targets} rows, expected {n}, one per neuron"
            )
        if self.recurrent is not None and self.recurrent.weight.shape != (n, n):
            raise ParameterError(
                f"{where}: weight_rec: found shape {self.recurrent.weight.shape}, expected {(n, n)}"
            )
        if not self.groups:
            object.__setattr__(self, "groups", (Group(self.name, n),))
        total = sum(group.size for group in self.groups)
        if total != n or any(group.size < 1 for group in self.groups):
            raise ParameterError(f"{where}: groups: found {total} neurons in all, expected {n}")

    @property
    def connections(self):
        """The connections that exist, by netx name: `weight`, `weight_rec`."""
        both = {"weight": self.inputs, "weight_rec": self.recurrent}
        return {name: c for name, c in both.items() if c is not None}

    @property
    def n_inputs(self):
        """Number of channels that enter the layer."""
        return self.n_neurons if self.inputs is None else self.inputs.n_sources

    def group_slices(self):
        """Slice of the layer's neurons for each group, by name."""
        slices, start = {}, 0
        for group in self.groups:
            slices[group.name] = slice(start, start + group.size)
            start += group.size
        return slices


@dataclass(frozen=True)
class InputTransform:
    """How values become the integers that enter a layer without a connection.

    Attributes
    ----------
    weight, bias : int
        A value `x` enters as `round(weight * x + bias)`.
    """

    weight: int = 64
    bias: int = 0

    def __call__(self, values):
        """Integers for `values`, int64, same shape."""
        return np.rint(np.asarray(values, float) * self.weight + self.bias).astype(np.int64)


@dataclass(frozen=True)
class Metadata:
    """What a network is for and where it comes from; travels in the file.

    Attributes
    ----------
    task : str
        Name of the task, such as `digits`; empty if unknown.
    encoding : dict
        Parameters of the spike encoding, plain numbers and strings.
    class_names : tuple of str
        Names of the output neurons; empty if they have none.
    provenance : dict
        How the network was made: recipe, seed, data, versions.
    """

    task: str = ""
    encoding: dict = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    provenance: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A chain of layers.

    Attributes
    ----------
    layers : tuple of Layer
        From input to output.
    readout : {"spikes", "voltage"}
        What the last layer gives: its spikes, or the voltage of neurons that integrate.
    input_transform : InputTransform or None
        For a first layer without a connection: what values go through before it.
    graded_input : bool
        Whether the input carries integers, counted as multiples of the weight, and
        not only spikes of 0 or 1.
    staggered_reset : bool
        Whether stock netx's reset is meant: layer after layer, one step apart, with
        activation that is on its way kept. Only files that lava-dl wrote ask for it.
    metadata : Metadata

    Raises
    ------
    ParameterError
        If sizes of neighbouring layers differ or names repeat.
    """

    layers: tuple[Layer, ...]
    readout: str = "spikes"
    input_transform: InputTransform | None = None
    graded_input: bool = False
    staggered_reset: bool = False
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self):
        if not self.layers:
            raise ParameterError("layers: found none, expected at least one")
        if self.readout not in ("spikes", "voltage"):
            raise ParameterError(
                f"readout: found {self.readout!r}, expected 'spikes' or 'voltage'"
            )
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ParameterError(f"layers: found names {names}, expected no name twice")
        for before, layer in zip(self.layers, self.layers[1:]):
            if layer.inputs is None:
                raise ParameterError(
                    f"layer {layer.name!r}: found no connection, expected one: "
                    f"only the first layer may take its input directly"
                )
            if layer.n_inputs != before.n_neurons:
                raise ParameterError(
                    f"layer {layer.name!r}: weight: found {layer.n_inputs} columns, "
                    f"expected {before.n_neurons}, the neurons of layer {before.name!r}"
                )
        n_outputs = self.n_outputs
        if self.metadata.class_names and len(self.metadata.class_names) != n_outputs:
            raise ParameterError(
                f"class_names: found {len(self.metadata.class_names)}, expected {n_outputs}"
            )

    @property
    def n_inputs(self):
        """Number of input channels."""
        return self.layers[0].n_inputs

    @property
    def n_outputs(self):
        """Number of output neurons."""
        return self.layers[-1].n_neurons

    def fingerprint(self):
        """Hexadecimal SHA-256 of all that decides what the network computes.

        Names and metadata have no part in it; weights are as the hardware counts them.
        """
        digest = hashlib.sha256()

        def add(*values):
            for value in values:
                digest.update(np.ascontiguousarray(value, dtype="<i8").tobytes())

        add(self.n_inputs, len(self.layers), self.readout == "voltage", self.graded_input)
        for layer in self.layers:
            add(layer.n_neurons, *layer.neuron.broadcast(layer.n_neurons).arguments().values())
            for connection in (layer.inputs, layer.recurrent):
                add(connection is not None)
                if connection is not None:
                    add(connection.effective_weight, connection.max_delay)
                    if connection.max_delay:
                        add(connection.delay)
        return digest.hexdigest()

    @property
    def takes_integers(self):
        """Whether the input may be any integers, and not only spikes of 0 or 1."""
        return self.graded_input or self.layers[0].inputs is None

    @property
    def hidden(self):
        """Layers whose spikes count as activity: all but a voltage readout."""
        return self.layers[:-1] if self.readout == "voltage" else self.layers

    def labelled_groups(self):
        """Label, layer and slice of each group of neurons, in the layers' order.

        The label is the group's name, with the layer's in front where two layers have a
        group of that name.

        Returns
        -------
        list of tuple (str, Layer, slice)
        """
        groups = [
            (name, layer, where)
            for layer in self.layers
            for name, where in layer.group_slices().items()
        ]
        names = [name for name, _, _ in groups]
        return [
            (name if names.count(name) == 1 else f"{layer.name}.{name}", layer, where)
            for name, layer, where in groups
        ]

    def layer(self, name):
        """The layer with this name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ParameterError(
            f"layer: found {name!r}, expected one of {[layer.name for layer in self.layers]}"
        )


def _integers(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ParameterError(f"{name}: found type {array.dtype}, expected integers")
    return array.astype(np.int64)


def _check_bounds(name, array, low, high):
    bad = (array < low) | (array > high)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ParameterError(
            f"{name}: found {array[index]} at {index}, expected {low} to {high}"
        )
