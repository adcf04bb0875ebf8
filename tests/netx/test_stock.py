"""Against lava-dl: the same files, the same spikes."""

import h5py
import numpy as np
import pytest

from lava_ahp import netx
from lava_ahp.engine import simulate
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import VTH_NEVER, FixedAHPParameters

pytest.importorskip("lava.lib.dl.netx", reason="needs lava-dl")

import lava.lib.dl.slayer as slayer  # noqa: E402
import torch  # noqa: E402
from lava.lib.dl.netx.hdf5 import Network as StockNetwork  # noqa: E402
from lava_runs import record  # noqa: E402

from lava_ahp.processes import Network, SpikeSource, simulate_on_lava  # noqa: E402

N_STEPS = 30


def random_stock_file(path, seed):
    """A feed-forward file as lava-dl writes it: scalars, even weights, no format version."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 9, 4)
    layers = []
    for index, (n_before, n) in enumerate(zip(sizes, sizes[1:])):
        delay = rng.integers(0, 4, (n, n_before)) if index == 1 else None
        neuron = FixedAHPParameters(
            du=int(rng.integers(500, 4096)),
            dv=int(rng.integers(0, 600)),
            vth=int(rng.integers(50, 300)),
            bias_mant=rng.integers(-200, 400, n) if index == 2 else 0,
            bias_exp=6 if index == 2 else 0,
        )
        weight = rng.integers(-60, 128, (n, n_before)) * 2
        layers.append(Layer(str(index), n, neuron, Connection(weight, "mixed", delay)))
    netx.write(NetworkSpec(tuple(layers)), path)
    with h5py.File(path, "r+") as file:
        for name in list(file.attrs):
            del file.attrs[name]
        for group in file["layer"].values():
            for name in list(group.attrs):
                del group.attrs[name]
    return (rng.random((1, N_STEPS, sizes[0])) < 0.3).astype(int)


def outputs(network, x):
    source = SpikeSource(shape=(x.shape[2],), samples=x, n_steps=N_STEPS)
    source.s_out.connect(network.inp)
    return record({"out": network.out_layer.neuron.s_out}, N_STEPS)["out"]


@pytest.mark.parametrize(
    "seed, options",
    [
        (0, {}),
        (1, {"reset_interval": 7}),
        (2, {"reset_interval": 10, "reset_offset": 3}),
        (3, {"skip_layers": 2}),
        (4, {"num_layers": 3, "reset_interval": 12}),
    ],
    ids=str,
)
def test_a_stock_file_gives_the_spikes_of_stock_netx(tmp_path, seed, options):
    x = random_stock_file(tmp_path / "a.net", seed)
    ours = Network(str(tmp_path / "a.net"), **options)
    stock = StockNetwork(str(tmp_path / "a.net"), **options)
    assert len(ours) == len(stock)
    assert ours.inp.shape == stock.inp.shape and ours.out.shape == stock.out.shape
    x = np.resize(x, (1, N_STEPS, *ours.inp.shape))
    expected = outputs(stock, x)
    assert expected.any()
    np.testing.assert_array_equal(outputs(ours, x), expected)


def test_a_file_of_ours_without_ahp_neurons_loads_in_stock_netx(tmp_path):
    rng = np.random.default_rng(3)
    neuron = FixedAHPParameters(du=2000, dv=100, vth=100)
    layers = (
        Layer("a", 5, neuron, Connection(rng.integers(-50, 90, (5, 3)) * 2)),
        Layer("b", 4, neuron, Connection(rng.integers(-50, 90, (4, 5)) * 2)),
    )
    network = NetworkSpec(layers)
    netx.write(network, tmp_path / "a.net")
    x = rng.integers(0, 2, (1, N_STEPS, 3))
    got = outputs(StockNetwork(str(tmp_path / "a.net")), x)
    assert got.any()
    np.testing.assert_array_equal(got, simulate(network, x, record=("spikes",)).spikes["b"][0])


def parameters(**changes):
    # A new dict each time: lava-dl's Recurrent block changes the one it is given.
    return dict(threshold=1.25, current_decay=0.25, voltage_decay=0.05) | changes


def run_and_export(blocks, path):
    """Outputs of each block from rest, (batch, time, neuron), and the file that they write."""
    x = (torch.rand(2, 10, N_STEPS) < 0.3).float()
    outs, y = [], x
    with torch.no_grad():
        for block in blocks:
            y = block(y)
            outs.append(y.numpy().transpose(0, 2, 1))
    with h5py.File(path, "w") as file:
        for index, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return x.numpy().transpose(0, 2, 1).astype(int), outs


def two_dense(**first):
    cuba = slayer.block.cuba
    return [
        cuba.Dense(parameters(), 10, 12, weight_scale=2, **first),
        cuba.Dense(parameters(), 12, 5, weight_scale=2),
    ]


def with_delays():
    blocks = two_dense(delay=True)
    blocks[0](torch.zeros(1, 10, 2))
    blocks[0].delay.delay.data = torch.rand(12) * 5
    return blocks


def with_decays_per_neuron():
    cuba = slayer.block.cuba
    first = cuba.Dense(parameters(shared_param=False), 10, 12, weight_scale=2)
    first(torch.zeros(1, 10, 2))
    first.neuron.current_decay.data = torch.randint(300, 3000, (12,)).float()
    first.neuron.voltage_decay.data = torch.randint(100, 1000, (12,)).float()
    return [first, cuba.Dense(parameters(), 12, 5, weight_scale=2)]


def recurrent():
    cuba = slayer.block.cuba
    return [
        cuba.Recurrent(parameters(), 10, 12, weight_scale=2),
        cuba.Dense(parameters(), 12, 5, weight_scale=2),
    ]


@pytest.mark.parametrize(
    "make",
    [
        two_dense,
        lambda: two_dense(weight_norm=True),
        with_delays,
        with_decays_per_neuron,
        recurrent,
    ],
    ids=["dense", "weight norm", "delays", "decays per neuron", "recurrent"],
)
def test_what_lava_dl_exports_spikes_as_slayer_does(tmp_path, make):
    torch.manual_seed(0)
    x, outs = run_and_export(make(), tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net")
    assert network.staggered_reset
    engine = simulate(network, x, record=("spikes",))
    for layer, out in zip(network.layers, outs):
        assert out.any()
        np.testing.assert_array_equal(engine.spikes[layer.name], out)
    lava = simulate_on_lava(network, x[:1], N_STEPS, record=("spikes",))
    np.testing.assert_array_equal(lava.spikes[network.layers[-1].name], outs[-1][:1])


def test_the_input_block_of_lava_dl_spikes_as_slayer_does(tmp_path):
    torch.manual_seed(1)
    cuba = slayer.block.cuba
    blocks = [
        cuba.Input(parameters(), weight=1.5, bias=0.25),
        cuba.Dense(parameters(), 10, 5, weight_scale=2),
    ]
    x, outs = run_and_export(blocks, tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net")
    assert (network.input_transform.weight, network.input_transform.bias) == (96, 16)
    x = network.input_transform(x)
    # Slayer's blocks delay their output by the step that a spike travels; nothing travels
    # to neurons which the input enters directly.
    got = simulate(network, x, record=("spikes",)).spikes
    for layer, out in zip(network.layers, outs):
        assert out.any()
        np.testing.assert_array_equal(got[layer.name][:, :-1], out[:, 1:])
    lava = simulate_on_lava(network, x[:1], N_STEPS, record=("spikes",)).spikes
    np.testing.assert_array_equal(lava["1"], got["1"][:1])


@pytest.mark.parametrize("dynamics", [True, False])
def test_an_affine_block_is_a_readout_that_never_spikes(tmp_path, dynamics):
    torch.manual_seed(2)
    cuba = slayer.block.cuba
    blocks = [
        cuba.Dense(parameters(), 10, 12, weight_scale=2),
        cuba.Affine(parameters(), 12, 5, weight_scale=2, dynamics=dynamics),
    ]
    x, (_, out) = run_and_export(blocks, tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net")
    assert network.layers[1].neuron.vth == VTH_NEVER
    # Slayer gives the voltage with dynamics and the input without, which netx integrates.
    expected = out if dynamics else np.cumsum(out, axis=1)
    v = simulate(network, x, record=("v",)).v["1"]
    np.testing.assert_array_equal(v[:, 1:], (expected * 64 * 64)[:, :-1])
