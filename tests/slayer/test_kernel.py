"""The passes of training: the compiled ones, the unrolled ones, and plain autograd."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.slayer import Exponential, Triangular, kernel  # noqa: E402
from lava_ahp.slayer.neuron.ahp import LEARNABLE, Neuron  # noqa: E402


def random_neuron(seed, n, **overrides):
    random = np.random.default_rng(seed)
    params = {
        "threshold": random.uniform(0.5, 2, n),
        "current_decay": random.uniform(0.2, 1, n),
        "voltage_decay": random.uniform(0.01, 0.5, n),
        "ahp_decay": random.uniform(0.005, 0.2, n),
        "ahp_strength": random.uniform(0.05, 0.5, n) * (random.random(n) < 0.7),
        "refractory_period": random.integers(0, 3, n),
        "bias": random.uniform(0, 0.1, n),
        "in_exp": random.integers(-1, 3, n),
        "requires_grad": LEARNABLE,
    }
    return Neuron(**{**params, **overrides})


def random_drive(seed, neuron, batch, n, n_steps):
    torch.manual_seed(seed)
    weights = neuron.quantize_8bit(torch.randn(n, 20) * 0.4).detach()
    spikes = (torch.rand(batch, n_steps, 20) < 0.2).float()
    z = (spikes @ weights.T).permute(0, 2, 1).contiguous().requires_grad_()
    loop = neuron.quantize_8bit(torch.randn(n, n) * 0.3).detach().requires_grad_()
    return z, loop


def passes(neuron, z, loop, seed=0):
    """Traces of the forward pass and gradients of a random loss."""
    traces = neuron.unroll(z, loop)
    torch.manual_seed(seed)
    spikes, potential, *_ = traces
    loss = (spikes * torch.randn(spikes.shape)).sum()
    loss = loss + (potential * torch.randn(spikes.shape)).sum()
    constants = [getattr(neuron, name) for name in LEARNABLE]
    return traces, torch.autograd.grad(loss, [z, loop, *constants])


@pytest.mark.parametrize("seed, n", enumerate([24, 7, 32, 33, 64, 70]))
def test_compiled_passes_agree_with_unrolled_ones(seed, n, monkeypatch):
    neuron = random_neuron(seed, n)
    z, loop = random_drive(seed, neuron, 5, n, 40)
    if seed % 2:
        # Backward, weights are as they come; finer than 8 bits they are read another way.
        loop = (loop + 0.001 * torch.randn(n, n)).detach().requires_grad_()
    fused_traces, fused_grads = passes(neuron, z, loop)
    monkeypatch.setattr(kernel, "_fits_fused", lambda tensor: False)
    traces, grads = passes(neuron, z, loop)
    assert traces[0].sum() > 20
    for fused, unrolled in zip(fused_traces[:4], traces):
        assert torch.equal(fused, unrolled)
    for fused, unrolled in zip(fused_grads, grads):
        torch.testing.assert_close(fused, unrolled, rtol=1e-4, atol=1e-4 * unrolled.abs().max())


@pytest.mark.parametrize("brought", [0, 100])
@pytest.mark.parametrize("n, n_targets", [(5, 3), (31, 1), (32, 40), (33, 30)])
def test_compiled_passes_agree_with_unrolled_ones_between_populations(n, n_targets, brought, monkeypatch):
    neuron = random_neuron(n, n, refractory_period=0)
    torch.manual_seed(n)
    x = (torch.rand(3, 9, 30) < 0.3).float().requires_grad_()
    loop, inputs = (neuron.quantize_8bit(torch.randn(n, size) * 0.4) for size in (n, 9))
    # What is brought to the next population lies where neurons would that fill up whole vectors.
    onto = brought + (torch.randn(n_targets, n) * 64).round() / 64
    weights = [weight.detach().requires_grad_() for weight in (loop, inputs, onto)]

    def results():
        trace = neuron.unroll(x, *weights)
        torch.manual_seed(0)
        loss = (trace.sent * torch.randn(trace.sent.shape)).sum()
        loss = loss + (trace.activity.rate * torch.randn(n)).sum() + trace.activity.depth.sum()
        constants = [getattr(neuron, name) for name in LEARNABLE]
        return trace, torch.autograd.grad(loss, [x, *weights, *constants])

    trace, grads = results()
    monkeypatch.setattr(kernel, "_fits_fused", lambda tensor: False)
    other, other_grads = results()
    assert trace.spikes.sum() > 20
    assert torch.equal(trace.spikes, other.spikes) and torch.equal(trace.potential, other.potential)
    torch.testing.assert_close(trace.sent, other.sent)
    for one, expected in zip((*trace.activity, *grads), (*other.activity, *other_grads)):
        size = expected.abs().max().item()
        torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-4 * size)


def test_weights_onto_a_population_that_no_loss_depends_on_have_no_gradient():
    n = 5
    neuron = random_neuron(1, n)
    z, loop = random_drive(1, neuron, 3, n, 20)
    onto = torch.full((3, n), -100.0, requires_grad=True)
    trace = neuron.unroll(z - 1, loop, onto=onto)
    loss = (trace.activity.depth + trace.activity.rate).sum()
    assert loss.item() > 1
    by_loop, by_onto = torch.autograd.grad(loss, [loop, onto], materialize_grads=True)
    assert by_loop.any() and not by_onto.any()


@pytest.mark.parametrize("surrogate", [Triangular(0.3), Triangular(0.5, 2.0), Exponential(0.02, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_autograd(seed, surrogate):
    """Autograd over the float equations, its values put on those of the integer run."""
    n = 7
    neuron = random_neuron(seed, n, surrogate=surrogate)
    z, loop = random_drive(seed, neuron, 3, n, 25)
    traces, grads = passes(neuron, z, loop)

    decays = [d.detach().double().round().requires_grad_() for d in neuron._decays()]
    fixed = neuron.fixed().broadcast(n)
    unit = 4096.0
    threshold = torch.tensor(fixed.vth * 64 / unit)
    jump = torch.tensor(fixed.coefficients().jump / unit).requires_grad_()
    bias = torch.tensor(fixed.coefficients().bias / unit).requires_grad_()
    spikes_of, potential_of, current_of, ahp_of = (t.detach().double() for t in traces[:4])
    x = z.detach().double().requires_grad_()
    r = loop.detach().double().requires_grad_()

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v, s):
            ctx.save_for_backward(v)
            return s

        @staticmethod
        def backward(ctx, grad):
            (v,) = ctx.saved_tensors
            return grad * surrogate(v, threshold), None

    def put(value, trace):
        return value + (trace - value).detach()

    u = v = a = s = torch.zeros(3, n, dtype=torch.float64)
    hold = torch.zeros(3, n)
    spikes, potential = [], []
    for t in range(25):
        u = put((1 - decays[0] / 4096) * u + x[..., t] + s @ r.T, current_of[..., t])
        a = put((1 - decays[2] / 4096) * a - jump * s, ahp_of[..., t])
        free = (hold == 0).double()
        pot = put(((1 - decays[1] / 4096) * v + u + a + bias) * free, potential_of[..., t])
        s = Spike.apply(pot * free, spikes_of[..., t]) * free
        v = pot * (1 - s.detach())
        hold = torch.where(s.detach() > 0, torch.tensor(fixed.refractory_period), (hold - 1).clamp(min=0))
        spikes.append(s)
        potential.append(pot)
    spikes, potential = torch.stack(spikes, -1), torch.stack(potential, -1)
    torch.manual_seed(0)
    weight_s, weight_p = torch.randn(spikes.shape), torch.randn(spikes.shape)
    loss = (spikes * weight_s).sum() + (potential * weight_p).sum()
    expected = torch.autograd.grad(loss, [x, r, *decays, jump, bias])
    for grad, reference in zip(grads, expected):
        torch.testing.assert_close(
            grad.double(), reference, rtol=0, atol=2e-6 * reference.abs().max().item()
        )


def test_a_population_is_the_same_on_chunks_of_any_size(monkeypatch):
    from lava_ahp.slayer import fused

    neuron = random_neuron(3, 16)
    z, loop = random_drive(3, neuron, 8, 16, 30)
    traces, grads = passes(neuron, z, loop)
    monkeypatch.setattr(fused, "CHUNK", 3)
    others, other_grads = passes(neuron, z, loop)
    for one, other in zip(traces[:4], others):
        assert torch.equal(one, other)
    for one, other in zip(grads, other_grads):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * one.abs().max())


def test_a_population_has_the_same_bits_on_any_number_of_threads(monkeypatch):
    from lava_ahp.slayer import fused

    neuron = random_neuron(4, 16)
    z, loop = random_drive(4, neuron, 40, 16, 30)
    results = []
    for n_threads in (1, 4):
        with ThreadPoolExecutor(n_threads) as pool:
            monkeypatch.setattr(fused.numba.config, "NUMBA_NUM_THREADS", n_threads)
            monkeypatch.setattr(fused, "_helpers", lambda: pool)
            results.append(passes(neuron, z, loop))
    (traces, grads), (others, other_grads) = results
    assert all(map(torch.equal, traces[:4], others)) and all(map(torch.equal, grads, other_grads))


def test_a_surrogate_of_ones_own_is_the_one_that_is_called():
    class Half(Triangular):
        def __call__(self, voltage, threshold):
            return super().__call__(voltage, threshold) / 2

    z, loop = random_drive(6, random_neuron(6, 9), 3, 9, 20)
    grads = [
        passes(random_neuron(6, 9, surrogate=surrogate), z, loop)[1][1]
        for surrogate in (Half(0.4), Triangular(0.2))
    ]
    torch.testing.assert_close(*grads)


def test_persistent_state_continues_where_the_last_pass_ended():
    n = 12
    whole, parts = random_neuron(5, n), random_neuron(5, n, persistent_state=True)
    z, loop = random_drive(5, whole, 4, n, 30)
    expected = whole.unroll(z, loop)
    first, second = parts.unroll(z[..., :13], loop), parts.unroll(z[..., 13:], loop)
    for trace, one, two in zip(expected[:4], first, second):
        assert torch.equal(trace, torch.cat((one, two), -1))
