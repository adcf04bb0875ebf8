"""Sparse connectivity that is learned: DEEP R.

References
----------
Bellec, Kappel, Maass and Legenstein, "Deep rewiring: training very sparse deep
networks", ICLR 2018.
"""

import numpy as np
import torch

from lava_ahp.errors import ParameterError


class Rewiring(torch.nn.Module):
    """Holds the connectivity of a weight matrix at a density while weights are trained.

    Every synapse has a sign. One whose weight an update carries across zero is removed,
    and as many new ones are put where there are none, at random, beginning at weight 0.

    Parameters
    ----------
    weight : Parameter, shape (target, source, ...)
        Changed in place: weights outside the first connectivity become 0, the others
        are made larger by `density ** -0.5`, so that neurons receive as much as before.
    density : float
        Share of the possible synapses that exist, more than 0 and at most 1.
    random : numpy.random.Generator
        Draws connections and signs.
    signed_sources : bool, optional
        Whether all synapses of a source have one sign (Dale's principle).

    Raises
    ------
    ParameterError
        If the density is out of range.
    """

    def __init__(self, weight, density, random, signed_sources=False):
        super().__init__()
        if not 0 < density <= 1:
            raise ParameterError(f"density: found {density}, expected more than 0 and at most 1")
        matrix = weight.detach().flatten(1)
        self.n_synapses = max(1, round(density * matrix.numel()))
        self.random = random
        self.signed_sources = signed_sources
        exists = np.zeros(matrix.shape, bool)
        exists.flat[random.choice(exists.size, self.n_synapses, replace=False)] = True
        if signed_sources:
            # As many sources of each sign as weights would have.
            sign = np.broadcast_to(random.permutation(np.arange(exists.shape[1]) % 2), exists.shape)
            sign = torch.from_numpy(2.0 * sign - 1).to(matrix)
        else:
            sign = torch.where(matrix < 0, -1.0, 1.0)
        self.weight = [weight]  # in a list: it is the block's parameter and not this module's
        self.register_buffer("exists", torch.from_numpy(exists).to(matrix.device))
        self.register_buffer("sign", sign.clone())
        weight.data.copy_((matrix.abs() * sign * density**-0.5).reshape(weight.shape))
        self.keep_connectivity()
        weight.register_hook(self._only_existing)

    def _only_existing(self, grad):
        return grad * self.exists.reshape(grad.shape)

    def keep_connectivity(self):
        """Set the weights of synapses that do not exist to 0, in place."""
        (weight,) = self.weight
        weight.data.mul_(self.exists.reshape(weight.shape))

    def step(self, optimiser, shrink=0.0, noise=0.0):
        """Rewire after an update.

        Parameters
        ----------
        optimiser : torch.optim.Optimizer
            What it remembers of a synapse goes with it.
        shrink : float, optional
            Taken off the magnitude of every weight, the L1 term of DEEP R times the
            learning rate.
        noise : float, optional
            Standard deviation of the random walk of the weights.

        Returns
        -------
        int
            Number of synapses that were moved.
        """
        (weight,) = self.weight
        strength = weight.data.flatten(1) * self.sign - shrink
        if noise:
            drawn = self.random.normal(0.0, noise, strength.shape)
            strength = strength + torch.from_numpy(drawn).to(strength)
        kept = self.exists & (strength >= 0)
        free = np.flatnonzero(~kept.cpu().numpy())
        chosen = self.random.choice(free, self.n_synapses - int(kept.sum()), replace=False)
        chosen = torch.from_numpy(chosen).to(kept.device)
        if len(chosen):
            self.exists.copy_(kept).view(-1)[chosen] = True
            if not self.signed_sources:
                drawn = self.random.integers(0, 2, len(chosen)) * 2.0 - 1
                self.sign.view(-1)[chosen] = torch.from_numpy(drawn).to(self.sign)
            for remembered in optimiser.state.get(weight, {}).values():
                if torch.is_tensor(remembered) and remembered.shape == weight.shape:
                    remembered.mul_(kept.reshape(weight.shape))
        weight.data.copy_((strength.clamp(min=0) * self.sign * kept).reshape(weight.shape))
        return len(chosen)
