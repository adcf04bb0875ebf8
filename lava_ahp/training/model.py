"""The network that recipes train: a recurrent population and a voltage readout."""

import numpy as np
import torch

from lava_ahp.network import Group, NetworkSpec
from lava_ahp.slayer import Triangular
from lava_ahp.slayer.block import ahp as block


class Classifier(torch.nn.Module):
    """Input channels, recurrent regular and AHP neurons, readout neurons that integrate.

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
        strength = np.full(n, net.ahp_strength)
        strength[: net.regular] = 0.0
        neuron = {
            "threshold": net.threshold,
            "current_decay": 1 / _draw_logarithmic(net.tau_u, n, random),
            "voltage_decay": 1 / _draw_logarithmic(net.tau_v, n, random),
            "ahp_decay": 1 / _draw_logarithmic(net.tau_a, n, random),
            "ahp_strength": strength,
            "refractory_period": net.refractory_period,
            "bias": random.uniform(*np.broadcast_to(net.bias, 2), n),
            "surrogate": Triangular(training.damping, training.width),
        }
        readout = {"current_decay": 1.0, "voltage_decay": 1 / net.readout_tau}
        self.input = block.Input()
        self.hidden = block.Recurrent(neuron, n_inputs, n, weight_scale=net.weight_init)
        self.readout = block.Output(readout, n, n_classes)

    def forward(self, spikes):
        """Run a batch.

        Parameters
        ----------
        spikes : Tensor, shape (batch, time, channel)

        Returns
        -------
        output : Tensor, shape (batch, class)
            Readout voltages after the last step, from which the answer is taken.
        hidden_spikes, potential : Tensor, shape (batch, neuron, time)
            Spikes and voltages before the reset of the recurrent population.
        """
        x = self.input(spikes.permute(0, 2, 1))
        hidden_spikes, potential, _, _ = self.hidden.unroll(x, currents=False)
        sent = torch.cat((torch.zeros_like(hidden_spikes[..., :1]), hidden_spikes[..., :-1]), -1)
        return self.readout(sent)[..., -1], hidden_spikes, potential

    def to_network(self, metadata):
        """The integer network that the forward pass computes."""
        layers = (
            self.hidden.to_layer("hidden", self.groups),
            self.readout.to_layer("readout"),
        )
        return NetworkSpec(layers=layers, readout="voltage", metadata=metadata)


def _draw_logarithmic(value, n, random):
    low, high = np.broadcast_to(value, 2)
    return np.exp(random.uniform(np.log(low), np.log(high), n))
