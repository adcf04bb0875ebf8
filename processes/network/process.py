"""A whole network as one Lava Process, built from a netx file or a NetworkSpec."""

from dataclasses import replace

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.proc.dense.process import Dense, DelayDense
from lava.proc.lif.process import LIF, LIFReset
from lava.utils.weightutils import SignMode

from lava_ahp.errors import ParameterError
from lava_ahp.netx import load
from lava_ahp.processes.ahp.process import AHP
from lava_ahp.processes.checks import CheckedProcess, check_reset
from lava_ahp.processes.connection.process import DelayDenseReset
from lava_ahp.processes.readout.process import Readout

LIF_INPUT_MAX = 1 << 18
"""Sum of arriving weights from which on stock LIF leaves the 24 bits of its current."""

GRADED_BITS = 24
"""Message bits of integers that neurons or the input send; spikes of 1 have 0."""


class Layer(CheckedProcess):
    """One layer of a network: a population and the connections it receives.

    Attributes
    ----------
    spec : lava_ahp.network.Layer
        What it was made from.
    shape : tuple of int
        Shape of the population.
    neuron : AHP, Readout, LIF or LIFReset
        The population.
    synapse, synapse_rec : Process or None
        Connection from the layer before and from the layer itself. Of a connection with
        separate signs these are the excitatory half (or the only one), and
        `synapse_inhibitory`, `synapse_rec_inhibitory` the other.
    inp : InPort
        Spikes of the layer before.
    out : OutPort
        Spikes, or the voltages of a readout.
    output_message_bits : int
        Bits of what `out` sends; 0 for spikes of 0 or 1.
    """

    def __init__(
        self,
        *,
        spec,
        is_readout=False,
        message_bits=0,
        reset_interval=None,
        reset_offset=0,
        staggered_reset=False,
        name=None,
        log_config=None,
    ):
        super().__init__(name=name or spec.name, log_config=log_config)
        self.spec = spec
        self.shape = (spec.n_neurons,)
        reset = {"reset_interval": reset_interval, "reset_offset": reset_offset}
        # A reset of the whole network drops what is on its way to the neurons. Where the
        # input of the network enters them directly it is the new sample's and must stay.
        keeps_input = staggered_reset or spec.inputs is None
        drops = not staggered_reset and reset_interval is not None
        self.neuron = _neuron(spec, is_readout, message_bits > 0, keeps_input, reset)

        def connect(connection, bits, send):
            clears = drops and (keeps_input or connection.max_delay > 0)
            halves = [
                make_synapse(half, connection.delay, bits, reset if clears else None)
                for half in connection.halves()
            ]
            for synapse in halves:
                send.connect(synapse.s_in)
                synapse.a_out.connect(self.neuron.a_in)
            return halves if len(halves) == 2 else [*halves, None]

        self.inp = InPort(shape=(spec.n_inputs,))
        self.synapse = self.synapse_inhibitory = None
        self.synapse_rec = self.synapse_rec_inhibitory = None
        if spec.inputs is None:
            self.inp.connect(self.neuron.a_in)
        else:
            self.synapse, self.synapse_inhibitory = connect(spec.inputs, message_bits, self.inp)
        if spec.recurrent is not None:
            self.synapse_rec, self.synapse_rec_inhibitory = connect(
                spec.recurrent, 0, self.neuron.s_out
            )
        self.out = OutPort(shape=self.shape)
        (self.neuron.v_out if is_readout else self.neuron.s_out).connect(self.out)
        self.output_message_bits = GRADED_BITS if is_readout else 0


class Network(CheckedProcess):
    """Network of AHP neurons, from a netx file: takes what stock netx's Network takes.

    It runs under `Loihi2SimCfg(select_tag="fixed_pt")`; with `select_sub_proc_model=True`
    in addition, every AHP neuron runs as two compartments. Regular neurons become stock
    `LIF` or `LIFReset` Processes where these do exactly what is asked.

    Parameters
    ----------
    net_config : str, Path or NetworkSpec
        A netx file, the name of a shipped network, or a network as plain data.
    num_layers : int, optional
        Use the first `num_layers` layers of the file only, an input layer counted.
    skip_layers : int, optional
        Leave out the first `skip_layers` of these.
    input_message_bits : int, optional
        Message bits of the input; 0 means spikes of 0 or 1. By default integers are taken
        where the network says that its input is graded.
    input_shape : tuple of int, optional
        Shape of the input, for comparison with the file: layers here are flat.
    reset_interval : int, optional
        Steps between resets; None means none. With an offset of 0 the steps of samples are
        1 to `reset_interval`, and so on: everything in the network is cleared at once at
        the start of each sample, what is on its way included. A file that lava-dl wrote
        (`NetworkSpec.staggered_reset`) is reset as stock netx does it: layer after layer,
        one step apart, and keeping what is on its way.
    reset_offset : int, optional
        Phase of the reset, in steps.
    spike_exp : int, optional
        Of sigma-delta neurons, which this network has none of: only 6, the default.
    sparse_fc_layer : bool, optional
        Only False: connections are dense.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    spec : NetworkSpec
        The network that runs.
    inp : InPort
        Spikes of the input channels.
    out : OutPort
        Spikes of the last layer or, where the readout is by voltage, its voltages.
    layers : list of Layer
        From input to output; `in_layer` and `out_layer` are the first and the last.
    input_message_bits, output_message_bits : int
        Bits of what enters and leaves.

    Raises
    ------
    ParameterError
        If an argument cannot be honoured.
    FileFormatError
        If the file is not a valid netx file.
    """

    def __init__(
        self,
        net_config,
        num_layers=None,
        skip_layers=0,
        input_message_bits=0,
        input_shape=None,
        reset_interval=None,
        reset_offset=0,
        spike_exp=6,
        sparse_fc_layer=False,
        name=None,
        log_config=None,
    ):
        spec = load(net_config)
        if spike_exp != 6:
            raise ParameterError(
                f"spike_exp: found {spike_exp}, expected 6: no neuron of this network uses it"
            )
        if sparse_fc_layer:
            raise ParameterError("sparse_fc_layer: found True, expected False: layers are dense")
        check_reset(reset_interval, reset_offset)
        spec = select_layers(spec, num_layers, skip_layers or 0)
        if input_shape is not None and int(np.prod(input_shape)) != spec.n_inputs:
            raise ParameterError(
                f"input_shape: found {input_shape}, expected {spec.n_inputs} channels"
            )
        super().__init__(name=name, log_config=log_config)
        self.spec = spec
        self.net_config = net_config
        self.num_layers = num_layers
        self.skip_layers = skip_layers
        self.input_shape = (spec.n_inputs,)
        self.reset_interval = reset_interval
        self.reset_offset = reset_offset
        default_bits = GRADED_BITS if spec.takes_integers else 0
        self.input_message_bits = input_message_bits or default_bits

        self.layers = []
        message_bits = self.input_message_bits
        for index, layer in enumerate(spec.layers):
            self.layers.append(
                Layer(
                    spec=layer,
                    is_readout=spec.readout == "voltage" and layer is spec.layers[-1],
                    message_bits=message_bits,
                    reset_interval=reset_interval,
                    reset_offset=reset_offset + 1 + (index if spec.staggered_reset else 0),
                    staggered_reset=spec.staggered_reset,
                )
            )
            message_bits = self.layers[-1].output_message_bits
        for before, layer in zip(self.layers, self.layers[1:]):
            before.out.connect(layer.inp)

        self.in_layer = self.layers[0]
        self.out_layer = self.layers[-1]
        self.inp = InPort(shape=self.in_layer.inp.shape)
        self.out = OutPort(shape=self.out_layer.out.shape)
        self.inp.connect(self.in_layer.inp)
        self.out_layer.out.connect(self.out)
        self.output_message_bits = self.out_layer.output_message_bits

    def __len__(self):
        """Number of layers."""
        return len(self.layers)

    def __str__(self):
        """Table of the layers."""
        rows = [("layer", "type", "inputs", "neurons", "neuron", "signs", "delay")]
        for layer in self.layers:
            connections = layer.spec.connections
            rows.append(
                (
                    layer.spec.name,
                    {0: "input", 1: "dense", 2: "dense_rec"}[len(connections)],
                    layer.spec.n_inputs,
                    layer.spec.n_neurons,
                    type(layer.neuron).__name__,
                    ", ".join(sorted({c.sign_mode for c in connections.values()})),
                    max((c.max_delay for c in connections.values()), default=0),
                )
            )
        widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
        return "\n".join(
            "| " + " | ".join(str(x).ljust(w) for x, w in zip(row, widths)) + " |" for row in rows
        )


def select_layers(spec, num_layers, skip_layers):
    """The network of some layers only, counted as in the file; ParameterError if none is left."""
    # The reader names layers of lava-dl's files by their place; ours have an input layer
    # at 0 unless the input enters neurons directly.
    offset = 0 if spec.layers[0].inputs is None else 1
    places = [
        int(layer.name) if spec.staggered_reset and layer.name.isdigit() else index + offset
        for index, layer in enumerate(spec.layers)
    ]
    last = max(places) + 1 if num_layers is None else num_layers
    layers = tuple(
        layer for place, layer in zip(places, spec.layers) if skip_layers <= place < last
    )
    if not layers:
        raise ParameterError(
            f"num_layers, skip_layers: found {num_layers}, {skip_layers}, "
            f"expected at least one layer to be left of those at {places}"
        )
    if layers == spec.layers:
        return spec
    whole_end = layers[-1] is spec.layers[-1]
    whole_start = layers[0] is spec.layers[0]
    return replace(
        spec,
        layers=layers,
        readout=spec.readout if whole_end else "spikes",
        input_transform=spec.input_transform if whole_start else None,
        graded_input=spec.graded_input and whole_start,
        metadata=spec.metadata if whole_end else replace(spec.metadata, class_names=()),
    )


def _neuron(spec, is_readout, graded, keeps_input, reset):
    arguments = spec.neuron.arguments()
    shape = (spec.n_neurons,)
    if is_readout:
        for name in ("ahp_mant", "refractory_period"):
            if np.any(arguments[name]):
                raise ParameterError(
                    f"layer {spec.name!r}: {name}: found {arguments[name]}, "
                    f"expected 0 in a readout by voltage"
                )
        for name in ("da", "ahp_mant", "ahp_exp", "refractory_period"):
            del arguments[name]
        return Readout(shape=shape, reset_keeps_input=keeps_input, **arguments, **reset)
    lif = None if graded or spec.inputs is None else _lif_arguments(spec, arguments)
    if lif is not None and reset["reset_interval"] is None:
        return LIF(shape=shape, **lif)
    if lif is not None and keeps_input:
        return LIFReset(shape=shape, **lif, **reset)
    return AHP(shape=shape, reset_keeps_input=keeps_input, **arguments, **reset)


def _lif_arguments(spec, arguments):
    """Arguments of a stock LIF that does the same in every bit, or None."""
    if any(np.any(arguments[k]) for k in ("ahp_mant", "in_exp", "refractory_period")):
        return None
    if any(np.ptp(arguments[k]) for k in ("du", "dv", "vth")):
        return None
    strongest = sum(np.abs(c.weight).sum(axis=1) for c in spec.connections.values())
    if strongest.max() >= LIF_INPUT_MAX:
        return None
    scalars = {k: int(np.ravel(arguments[k])[0]) for k in ("du", "dv", "vth")}
    return scalars | {k: arguments[k] for k in ("bias_mant", "bias_exp")}


def make_synapse(weight, delay=None, message_bits=0, reset=None, weight_exp=0):
    """The connection Process for weights of one sign mode.

    Parameters
    ----------
    weight : ndarray of int, shape (target, source)
    delay : ndarray of int, shape (target, source), optional
    message_bits : int, optional
        Bits of what arrives; 0 for spikes of 0 or 1.
    reset : dict, optional
        `reset_interval` and `reset_offset` at which what is on its way is dropped.
    weight_exp : int, optional
        The sum of weights is shifted by so many bits.
    """
    arguments = {
        "weights": weight,
        "weight_exp": weight_exp,
        "num_weight_bits": 8,
        "num_message_bits": message_bits,
        "sign_mode": _sign_mode(weight),
    }
    if reset is not None:
        delay = np.zeros_like(weight) if delay is None else delay
        return DelayDenseReset(delays=delay, **reset, **arguments)
    if delay is None or not delay.any():
        return Dense(**arguments)
    return DelayDense(delays=delay, **arguments)


def _sign_mode(weight):
    if weight.min() >= 0:
        return SignMode.EXCITATORY
    return SignMode.INHIBITORY if weight.max() <= 0 else SignMode.MIXED
