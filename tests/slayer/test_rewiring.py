"""DEEP R: the density stays, signs are kept, and what is moved begins at zero."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.slayer import Rewiring  # noqa: E402

SHAPE = (30, 20, 1, 1, 1)


def rewired(density, signed=False, n_updates=50, seed=0, noise=0.5):
    """Weights and optimiser after updates against random gradients, and what was moved."""
    torch.manual_seed(seed)
    weight = torch.nn.Parameter(torch.randn(SHAPE))
    rewiring = Rewiring(weight, density, np.random.default_rng(seed), signed)
    optimiser = torch.optim.Adam([weight], lr=0.05)
    moved = []
    for _ in range(n_updates):
        before = weight.detach().clone(), rewiring.sign.clone(), rewiring.exists.clone()
        optimiser.zero_grad()
        (weight * torch.randn(SHAPE)).sum().backward()
        assert not weight.grad.flatten(1)[~rewiring.exists].any()
        optimiser.step()
        moved.append(rewiring.step(optimiser, 0.001, noise))
        yield before, weight.detach().flatten(1), rewiring, optimiser.state[weight], moved


@pytest.mark.parametrize("density", [0.1, 0.2, 0.9, 1.0])
@pytest.mark.parametrize("signed", [False, True])
def test_the_number_of_synapses_stays_while_they_move(density, signed):
    for _, weight, rewiring, _, moved in rewired(density, signed):
        assert int(rewiring.exists.sum()) == round(density * 600)
        assert not weight[~rewiring.exists].any()
        assert (weight * rewiring.sign >= 0).all()
    assert sum(moved) > 0


def test_a_new_synapse_begins_at_zero_without_momentum():
    seen = 0
    for (_, _, existed), weight, rewiring, remembered, _ in rewired(0.2):
        new = rewiring.exists & ~existed
        assert not weight[new].any()
        assert not remembered["exp_avg"].flatten(1)[new].any()
        seen += int(new.sum())
    assert seen > 100


def test_all_synapses_of_a_source_keep_its_sign():
    *_, (_, weight, rewiring, _, moved) = rewired(0.3, signed=True)
    signs = torch.sign(weight)
    for source in range(20):
        assert len({*signs[:, source].tolist()} - {0.0}) <= 1
    assert {*rewiring.sign[0].tolist()} == {-1.0, 1.0} and sum(moved) > 10


def test_shrinking_removes_what_the_loss_does_not_need():
    weight = torch.nn.Parameter(torch.full(SHAPE, 0.01))
    rewiring = Rewiring(weight, 0.5, np.random.default_rng(0))
    first = rewiring.exists.clone()
    optimiser = torch.optim.SGD([weight], lr=0.0)
    for _ in range(5):
        rewiring.step(optimiser, shrink=0.02)
    assert (first & ~rewiring.exists).sum() > 50


def test_the_first_connectivity_gives_neurons_as_much_input_as_before():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(400, 400, 1, 1, 1))
    before = weight.detach().square().sum()
    Rewiring(weight, 0.1, np.random.default_rng(0))
    assert 0.95 < weight.detach().square().sum() / before < 1.05


@pytest.mark.parametrize("density", [0.0, 1.1])
def test_a_density_that_cannot_be_is_refused(density):
    with pytest.raises(ParameterError, match="density: found"):
        Rewiring(torch.nn.Parameter(torch.randn(SHAPE)), density, np.random.default_rng(0))
