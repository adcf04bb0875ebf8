"""On a GPU: the bits of the CPU forward, its gradients backward."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.slayer import block  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

NEURON = {
    "threshold": 1.0,
    "current_decay": [0.2 + 0.02 * i for i in range(33)],
    "voltage_decay": 0.1,
    "ahp_decay": 0.02,
    "ahp_strength": [0.3 * (i % 2) for i in range(33)],
    "in_exp": 1,
}


def blocks(**neuron):
    torch.manual_seed(0)
    return torch.nn.ModuleList(
        [
            block.ahp.Input(),
            block.ahp.Recurrent({**NEURON, **neuron}, 12, 33, weight_scale=3),
            block.ahp.Output({"current_decay": 1.0, "voltage_decay": 0.001}, 33, 4),
        ]
    )


def passed(layers, spikes):
    """Spikes of the hidden layer, readout voltages, and gradients of a loss by all parameters."""
    x, readout = spikes, layers[-1]
    for layer in layers[:-1]:
        x = layer(x)
    voltage = readout(x)
    loss = torch.nn.functional.cross_entropy(voltage[..., -1], torch.arange(len(x)).to(x.device) % 4)
    loss = loss + x.mean()
    parameters = [p for p in layers.parameters() if p.requires_grad]
    return x, voltage, torch.autograd.grad(loss, parameters)


@pytest.mark.parametrize(
    "neuron",
    [
        {},
        {"refractory_period": 2, "bias": 0.01},
        {"requires_grad": ["current_decay", "voltage_decay", "ahp_decay", "ahp_strength", "bias"]},
    ],
)
def test_a_network_on_the_gpu_is_that_on_the_cpu(neuron):
    on_cpu = blocks(**neuron)
    on_gpu = copy.deepcopy(on_cpu).to("cuda")
    spikes = (torch.rand(9, 12, 60) < 0.2).float()
    sent, voltage, grads = passed(on_cpu, spikes)
    assert sent.sum() > 100
    other_sent, other_voltage, other_grads = passed(on_gpu, spikes.to("cuda"))
    assert torch.equal(other_sent.cpu(), sent) and torch.equal(other_voltage.cpu(), voltage)
    for found, expected in zip(other_grads, grads):
        size = expected.abs().max().item()
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4 * size)
