"""The network that recipes train: recurrent columns and a voltage readout."""

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
import torch

from lava_ahp.network import Connection, Group, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.slayer import Rewiring, Triangular
from lava_ahp.slayer.block import ahp as block
from lava_ahp.slayer.kernel import Activity

CENTRING_MOMENTUM = 0.05
"""Share that a batch has in the mean firing rates by which readouts are centred."""

OFFSET_RATE = 0.05
"""The offsets of centred readouts act, and so learn, as weights of a neuron that fires this often."""


class Column(NamedTuple):
    """What one column does with a batch.

    Attributes
    ----------
    output : Tensor, shape (batch, class)
        Readout voltages after the last step, from this column's spikes alone.
    activity : Activity
        Firing rates and voltages of its neurons.
    """

    output: torch.Tensor
    activity: Activity


class Classifier(torch.nn.Module):
    """Input channels, columns of regular and AHP neurons, readout neurons that integrate.

    Parameters
    ----------
    recipe : Recipe
    n_inputs, n_classes : int
    random : numpy.random.Generator
        Draws the neurons' constants. Weights are drawn by torch.
    """

    def __init__(self, recipe, n_inputs, n_classes, random):
        super().__init__()
        net, training = recipe.network, recipe.training
        n = net.regular + net.ahp
        self.groups = tuple(
            Group(name, size) for name, size in (("regular", net.regular), ("ahp", net.ahp)) if size
        )
        self.members = [
            np.concatenate(parts)
            for parts in zip(
                np.split(np.arange(net.regular), net.columns),
                np.split(np.arange(net.regular, n), net.columns),
            )
        ]
        constants = {
            "current_decay": 1 / draw_logarithmic(net.tau_u, n, random),
            "voltage_decay": 1 / draw_logarithmic(net.tau_v, n, random),
            "ahp_decay": 1 / draw_logarithmic(net.tau_a, n, random),
            "ahp_strength": np.where(np.arange(n) < net.regular, 0.0, net.ahp_strength),
            "bias": random.uniform(*np.broadcast_to(net.bias, 2), n),
        }
        shared = {
            "threshold": net.threshold,
            "refractory_period": net.refractory_period,
            "surrogate": Triangular(float(np.ravel(training.damping)[0]), training.width),
            "scale": net.weight_scale,
            "in_exp": net.in_exp,
            "requires_grad": [name for name, rate in training.constant_rates().items() if rate],
        }
        self.input = block.Input()
        self.columns = torch.nn.ModuleList()
        for members in self.members:
            own = {name: value[members] for name, value in constants.items()}
            column = block.Recurrent({**own, **shared}, n_inputs, len(members), net.input_init)
            with torch.no_grad():
                column.recurrent_synapse.weight *= net.recurrent_init / net.input_init
            self.columns.append(column)
        readout = {
            "current_decay": 1.0,
            "voltage_decay": 1 / net.readout_tau,
            "bias": np.zeros(n_classes) if net.centred_readout else 0.0,
            "in_exp": net.readout_in_exp,
        }
        self.readout = block.Output(readout, n, n_classes)
        self.centred = net.centred_readout
        if self.centred:
            self.offsets = torch.nn.Parameter(torch.zeros(net.columns, n_classes))
            self.register_buffer("mean_rates", torch.zeros(n))
        self.rewiring = torch.nn.ModuleList()
        for synapse, density in (
            *((column.input_synapse, net.input_density) for column in self.columns),
            *((column.recurrent_synapse, net.recurrent_density) for column in self.columns),
            (self.readout.synapse, net.readout_density),
        ):
            signed = net.signed_sources and synapse is not self.readout.synapse
            if density < 1 or signed:
                self.rewiring.append(Rewiring(synapse.weight, density, random, signed))

    def forward(self, spikes, index):
        """What one column does with spikes of shape (batch, time, channel).

        Returns
        -------
        Column
        """
        trace = self._unroll(index, spikes)
        return Column(self._answer(trace.sent, self._bias(index)), trace.activity)

    def answer(self, spikes):
        """Readout voltages after the last step, shape (batch, class), of all columns together.

        The same integers as those of :meth:`to_network`, in the unit of the thresholds.
        """
        sent = sum(self._unroll(index, spikes).sent for index in range(len(self.columns)))
        return self._answer(sent, self._whole_bias())

    def update_mean_rates(self, index, rates, momentum=CENTRING_MOMENTUM):
        """Centre the readout by running means of a column's firing rates: `momentum` for the new ones."""
        if self.centred:
            members = self.members[index]
            with torch.no_grad():
                self.mean_rates[members] += momentum * (rates - self.mean_rates[members])

    def centre(self, batches):
        """Centre the readout by the mean firing rates that spikes make.

        Parameters
        ----------
        batches : iterable of Tensor, shape (batch, time, channel)
        """
        n_spikes, n_steps = [0] * len(self.columns), 0
        with torch.no_grad():
            for spikes in batches:
                steps = spikes.shape[0] * spikes.shape[1]
                n_steps += steps
                for index in range(len(self.columns)):
                    n_spikes[index] += torch.round(self._unroll(index, spikes).activity.rate * steps)
        for index, n in enumerate(n_spikes):
            self.update_mean_rates(index, n / n_steps, momentum=1.0)

    def _unroll(self, index, spikes):
        """Trace of a column, with what it sends to the readout."""
        x = self.input(spikes.permute(0, 2, 1))
        return self.columns[index].unroll(x, onto=self._onto(index), record=())

    def _onto(self, index):
        return block.weight_matrix(self.readout.synapse)[:, self.members[index]]

    def _answer(self, sent, bias):
        return self.readout.last_voltage(sent, bias=bias)

    def _bias(self, index):
        """Bias of the readout for one column: takes off what its mean activity brings."""
        if not self.centred:
            return None
        rates = self.mean_rates[self.members[index]]
        return OFFSET_RATE * self.offsets[index] - self._onto(index) @ rates

    def _whole_bias(self):
        return sum(map(self._bias, range(len(self.columns)))) if self.centred else None

    def set_damping(self, damping):
        """Change the height of the surrogate gradient."""
        for column in self.columns:
            column.neuron.surrogate = replace(column.neuron.surrogate, damping=damping)

    def rewire(self, optimiser, shrink=0.0, noise=0.0):
        """Move synapses after an update, as :meth:`lava_ahp.slayer.Rewiring.step` does.

        Returns
        -------
        int
            Number of synapses that were moved.
        """
        return sum(rewiring.step(optimiser, shrink, noise) for rewiring in self.rewiring)

    def density(self):
        """Share of the possible synapses that exist, of connections that are to be sparse; else 1."""
        exists = [r.exists for r in self.rewiring if r.n_synapses < r.exists.numel()]
        return torch.cat([e.ravel() for e in exists]).float().mean().item() if exists else 1.0

    def keep_connectivity(self):
        """Set weights of synapses that do not exist to 0, after weights were averaged."""
        for rewiring in self.rewiring:
            rewiring.keep_connectivity()

    def to_network(self, metadata):
        """The integer network that :meth:`answer` computes."""
        if self.centred:
            with torch.no_grad():
                self.readout.neuron.bias.copy_(self._whole_bias())
        n = sum(group.size for group in self.groups)
        neuron = {field.name: np.zeros(n, np.int64) for field in fields(FixedAHPParameters)}
        inputs = np.zeros((n, self.columns[0].input_synapse.in_channels), np.int64)
        recurrent = np.zeros((n, n), np.int64)
        for members, column in zip(self.members, self.columns):
            inputs[members] = block.weight_integers(column.input_synapse)
            recurrent[np.ix_(members, members)] = block.weight_integers(column.recurrent_synapse)
            constants = column.neuron.fixed().broadcast(len(members)).arguments()
            for name, value in constants.items():
                neuron[name][members] = value
        hidden = Layer(
            "hidden",
            n,
            FixedAHPParameters(**neuron),
            Connection(inputs),
            Connection(recurrent),
            self.groups,
        )
        return NetworkSpec(
            layers=(hidden, self.readout.to_layer("readout")),
            readout="voltage",
            metadata=metadata,
        )


def draw_logarithmic(value, n, random):
    """`n` values from a range (low, high), uniform in their logarithm; or a number `n` times."""
    low, high = np.broadcast_to(value, 2)
    return np.exp(random.uniform(np.log(low), np.log(high), n))
