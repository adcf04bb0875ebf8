"""A network of AHP neurons as stock Processes: LIF, Dense and ProdNeuron."""

import numpy as np
from lava.magma.core.process.ports.ports import InPort
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.prodneuron.process import ProdNeuron

from lava_ahp.dynamics import DECAY_SHIFT, STATE_SHIFT
from lava_ahp import stock
from lava_ahp.netx import load
from lava_ahp.processes.checks import CheckedProcess
from lava_ahp.processes.network.process import GRADED_BITS, make_synapse

HUSH = -255
HUSH_EXP = 8
"""Weight and exponent of the spike that keeps a neuron from spiking: half of what a synaptic
current holds, as far from the threshold as from the wrap at the other end."""

KEEP_BITS = 5
"""A factor of up to 4096 is two weights of 8 bits: `high << 5` and `low`."""


class StockNetwork(CheckedProcess):
    """Network of AHP neurons out of Processes that Lava ships.

    :mod:`lava_ahp.stock` says how each neuron is built and how far it is the same.

    Between samples one step (more with delays) passes in which a spike into `hush_in` keeps
    every neuron silent and empties the AHP currents; the voltages are reset in the step after.

    Parameters
    ----------
    net_config : str, Path or NetworkSpec
        A netx file, the name of a shipped network, or a network as plain data.
    n_steps : int, optional
        Steps of a sample; None for one that has no end.
    n_decays : int, optional
        Different decays of the voltage that a layer keeps; more are made so many.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    spec : NetworkSpec
        The network that runs, its decays made few.
    populations : list of lava_ahp.stock.StockPopulation
        What each population stands for.
    neurons : list of LIF or LIFReset
        The populations.
    gap : int
        Steps between samples.
    inp : InPort
        Spikes of the input channels.
    hush_in : InPort
        One channel: a spike in the last step of a sample and each of the gap but the last.

    Raises
    ------
    ParameterError
        If stock parts cannot do what a neuron does.
    FileFormatError
        If the file is not a valid netx file.
    """

    def __init__(
        self, net_config, n_steps=None, n_decays=stock.N_DECAYS, name=None, log_config=None
    ):
        spec = stock.with_few_decays(load(net_config), n_decays)
        populations = stock.populations(spec)
        super().__init__(name=name, log_config=log_config)
        self.spec = spec
        self.populations = populations
        delays = [c.max_delay for layer in spec.layers for c in layer.connections.values()]
        self.gap = 1 + max(delays)
        self.inp = InPort(shape=(spec.n_inputs,))
        self.hush_in = InPort(shape=(1,))
        self.neurons = [self._neurons(population, n_steps) for population in populations]
        self.parts = []
        for population, neurons in zip(populations, self.neurons):
            self._connect_inputs(population, neurons)
            n = len(population.neurons)
            hush = self._dense(np.full((n, 1), HUSH), HUSH_EXP)
            self.hush_in.connect(hush.s_in)
            hush.a_out.connect(neurons.a_in)
            if population.ahp is not None:
                self._connect_ahp(population, neurons)

    def _neurons(self, population, n_steps):
        arguments = {
            "shape": (len(population.neurons),),
            "du": population.du,
            "dv": population.dv,
            "vth": population.vth,
            "bias_mant": population.bias_mant,
            "bias_exp": population.bias_exp,
        }
        if n_steps is None:
            return LIF(**arguments)
        return LIFReset(reset_interval=n_steps + self.gap, reset_offset=1, **arguments)

    def _connect_inputs(self, population, neurons):
        layer = self.spec.layers[population.layer]
        sources = {
            "weight": [(slice(None), self.inp)] if population.layer == 0 else
            self._of_layer(population.layer - 1),
            "weight_rec": self._of_layer(population.layer),
        }  # fmt: skip
        for kind, connection in layer.connections.items():
            for columns, port in sources[kind]:
                for half in connection.halves():
                    weight = half[population.neurons][:, columns]
                    if not weight.any():
                        continue
                    delay = connection.delay
                    delay = None if delay is None else delay[population.neurons][:, columns]
                    dense = self._dense(weight, population.weight_exp, delay=delay)
                    port.connect(dense.s_in)
                    dense.a_out.connect(neurons.a_in)

    def _of_layer(self, layer):
        """Neurons and port of each population of a layer."""
        return [
            (population.neurons, neurons.s_out)
            for population, neurons in zip(self.populations, self.neurons)
            if population.layer == layer
        ]

    def _connect_ahp(self, population, neurons):
        """The loops in which the AHP currents decay, and what they take off the voltages."""
        ahp = population.ahp
        n, n_ahp = len(population.neurons), len(ahp.neurons)
        loop = ProdNeuron(shape=(n_ahp,), vth=0, exp=DECAY_SHIFT)
        onto_loop = np.zeros((n_ahp, n), int)
        onto_loop[np.arange(n_ahp), ahp.neurons] = ahp.mant
        onto_neurons = np.zeros((n, n_ahp), int)
        onto_neurons[ahp.neurons, np.arange(n_ahp)] = -1
        jump = np.zeros((n, n), int)
        jump[ahp.neurons, ahp.neurons] = -ahp.mant
        clock = LIF(shape=(1,), du=0, dv=0, vth=0, bias_mant=1)
        for weight, exp, source, target in (
            (onto_loop, STATE_SHIFT + ahp.exp, neurons.s_out, loop.a_in1),
            (jump, ahp.exp + population.shift, neurons.s_out, neurons.a_in),
        ):
            dense = self._dense(weight, exp)
            source.connect(dense.s_in)
            dense.a_out.connect(target)
        for weight, exp, target in (
            (np.eye(n_ahp, dtype=int), 0, loop.a_in1),
            (onto_neurons, population.shift - STATE_SHIFT, neurons.a_in),
        ):
            dense = self._dense(weight, exp, GRADED_BITS)
            loop.s_out.connect(dense.s_in)
            dense.a_out.connect(target)
        high, low = ahp.keep[:, None] >> KEEP_BITS, ahp.keep[:, None] & ((1 << KEEP_BITS) - 1)
        for source, sign in ((clock.s_out, 1), (self.hush_in, -1)):
            for part, exp in ((high, KEEP_BITS), (low, 0)):
                dense = self._dense(sign * part, exp)
                source.connect(dense.s_in)
                dense.a_out.connect(loop.a_in2)

    def _dense(self, weight, exp, message_bits=0, delay=None):
        self.parts.append(make_synapse(weight, delay, message_bits, weight_exp=exp))
        return self.parts[-1]
