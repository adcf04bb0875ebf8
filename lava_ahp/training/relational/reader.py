"""How a recurrent population learns to read: its last spikes must tell each of the words."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from lava_ahp.network import NetworkSpec
from lava_ahp.slayer import Triangular
from lava_ahp.slayer.block import ahp as block
from lava_ahp.slayer.regularisation import rate_penalty, voltage_penalty
from lava_ahp.training.model import draw_logarithmic


class Reader(torch.nn.Module):
    """A recurrent AHP population, and a linear decoder of its words that is left behind.

    Parameters
    ----------
    recipe : RelationalRecipe
    n_words : int
    random : numpy.random.Generator
        Draws the neurons' constants. Weights are drawn by torch.
    """

    def __init__(self, recipe, n_words, random):
        super().__init__()
        net = recipe.reader
        self.recipe, self.encoding, self.n_words = net, recipe.encoding(), n_words
        self.window = recipe.window
        neuron = {
            "threshold": 1.0,
            "current_decay": 1 / draw_logarithmic(net.tau_u, net.neurons, random),
            "voltage_decay": 1 / draw_logarithmic(net.tau_v, net.neurons, random),
            "ahp_decay": 1 / draw_logarithmic(net.tau_a, net.neurons, random),
            "ahp_strength": net.ahp_strength,
            "surrogate": Triangular(recipe.spikes.damping, recipe.spikes.width),
        }
        self.block = block.Recurrent(neuron, n_words, net.neurons, net.input_init)
        with torch.no_grad():
            self.block.recurrent_synapse.weight *= net.recurrent_init / net.input_init
        self.decoder = torch.nn.Linear(net.neurons, 2 * recipe.max_words * n_words)

    def forward(self, words):
        """Spikes of the last steps, shape (batch, neuron, window), and activity."""
        spikes = torch.from_numpy(self.encoding.encode(words, self.n_words)).float()
        trace = self.block.unroll(spikes.permute(0, 2, 1), record=("spikes",))
        return trace.spikes[..., -self.window :], trace.activity

    def loss(self, words):
        """Loss of a batch of sentences, and the share of words that are decoded right.

        Each word is decoded by its place from the end and by its place from the beginning.
        """
        spikes, activity = self(words)
        places = torch.from_numpy(np.concatenate([words, _from_start(words)], 1).astype(np.int64))
        logits = self.decoder(spikes.sum(-1)).view(*places.shape, self.n_words)
        there = places >= 0
        penalty = self.recipe.firing_rate_weight * rate_penalty(
            activity.rate, self.recipe.firing_rate_target
        ) + self.recipe.voltage_weight * voltage_penalty(activity.depth)
        right = (logits[there].argmax(-1) == places[there]).float().mean().item()
        return cross_entropy(logits[there], places[there]) + penalty, right

    def to_network(self, name):
        """The reader without its decoder."""
        return NetworkSpec((self.block.to_layer(name),))


def _from_start(words):
    lengths = np.count_nonzero(words >= 0, axis=1)
    return np.stack([np.roll(row, length) for row, length in zip(words, lengths)])
