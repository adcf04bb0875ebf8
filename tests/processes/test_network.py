"""The Network Process: what it is made of, what it takes, how it resets."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava.proc.lif.process import LIF, LIFReset  # noqa: E402
from lava_runs import record  # noqa: E402

from lava_ahp import netx  # noqa: E402
from lava_ahp.errors import FileFormatError, ParameterError  # noqa: E402
from lava_ahp.network import Connection, Layer, Metadata, NetworkSpec  # noqa: E402
from lava_ahp.neuron import VTH_MAX, FixedAHPParameters  # noqa: E402
from lava_ahp.processes import AHP, Network, Readout, SpikeSource  # noqa: E402

PLAIN = FixedAHPParameters(du=3000, dv=100, vth=90)


def spec(**changes):
    rng = np.random.default_rng(0)

    def weight(targets, sources):
        return Connection(rng.integers(-100, 100, (targets, sources)))

    fields = dict(
        layers=(
            Layer("first", 4, FixedAHPParameters(vth=50, ahp_mant=9), weight(4, 3), weight(4, 4)),
            Layer("second", 5, PLAIN, weight(5, 4)),
            Layer("third", 2, FixedAHPParameters(vth=VTH_MAX, dv=9), weight(2, 5)),
        ),
        readout="voltage",
        metadata=Metadata(class_names=("yes", "no")),
    )
    return NetworkSpec(**fields | changes)


def test_its_attributes_are_those_of_stock_netx():
    net = Network(spec())
    assert len(net) == len(net.layers) == 3
    assert net.in_layer is net.layers[0] and net.out_layer is net.layers[-1]
    assert net.inp.shape == (3,) and net.out.shape == (2,)
    assert [layer.shape for layer in net.layers] == [(4,), (5,), (2,)]
    for layer in net.layers:
        assert layer.inp.shape == layer.synapse.s_in.shape
        assert layer.out.shape == layer.neuron.a_in.shape
    assert net.layers[0].synapse_rec is not None and net.layers[1].synapse_rec is None
    assert (net.input_message_bits, net.output_message_bits) == (0, 24)
    rows = str(net).splitlines()
    assert len(rows) == 4
    for row, words in zip(
        rows[1:],
        (
            ["first", "dense_rec", "3", "4", "AHP"],
            ["second", "dense", "4", "5", "LIF"],
            ["third", "dense", "5", "2", "Readout"],
        ),
    ):
        assert [word.strip() for word in row.split("|")[1:6]] == words


def test_regular_neurons_are_stock_processes_where_these_do_what_is_asked():
    def kinds(network, **options):
        return [type(layer.neuron) for layer in Network(network, **options).layers]

    assert kinds(spec()) == [AHP, LIF, Readout]
    # A reset of the whole network drops what arrives, which LIFReset does not.
    assert kinds(spec(), reset_interval=9) == [AHP, AHP, Readout]
    stock = spec(readout="spikes", staggered_reset=True)
    assert kinds(stock) == [AHP, LIF, LIF]
    assert kinds(stock, reset_interval=9) == [AHP, LIFReset, LIFReset]
    one = Connection(np.ones((2, 1), int))
    for neuron in (
        {"refractory_period": 1},
        {"in_exp": 1},
        {"vth": np.array([1, 2])},
        {"dv": np.array([1, 2])},
    ):
        network = NetworkSpec((Layer("a", 2, FixedAHPParameters(**neuron), one),))
        assert kinds(network) == [AHP], neuron
    heavy = Connection(np.full((1, 1029), 255))
    assert kinds(NetworkSpec((Layer("a", 1, PLAIN, heavy),))) == [AHP]


def test_a_path_a_name_and_a_spec_give_the_same_network(tmp_path, monkeypatch):
    netx.write(spec(), tmp_path / "some.net")
    monkeypatch.setattr("lava_ahp.netx_models._FOLDER", tmp_path)
    for config in (tmp_path / "some.net", str(tmp_path / "some.net"), "some"):
        net = netx.Network(net_config=config)
        assert str(net) == str(Network(spec()))
    with pytest.raises(FileFormatError, match="found no such file"):
        Network("none.net")


def test_layers_are_counted_as_in_the_file():
    def names(network, **options):
        net = Network(network, **options)
        return [layer.spec.name for layer in net.layers], net.spec.readout

    # Layer 0 of the file is the input.
    assert names(spec(), num_layers=3) == (["first", "second"], "spikes")
    assert names(spec(), skip_layers=2) == (["second", "third"], "voltage")
    assert names(spec(), skip_layers=2, num_layers=3) == (["second"], "spikes")
    with pytest.raises(ParameterError, match="num_layers"):
        Network(spec(), num_layers=1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"spike_exp": 7}, "spike_exp: found 7"),
        ({"sparse_fc_layer": True}, "sparse_fc_layer: found True"),
        ({"input_shape": (2, 2)}, r"input_shape: found \(2, 2\), expected 3 channels"),
        ({"reset_interval": 0}, "reset_interval: found 0"),
        ({"reset_offset": 0.5}, "reset_offset: found 0.5"),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        Network(spec(), **options)


def test_a_readout_with_an_ahp_current_is_refused():
    layer = Layer("out", 1, FixedAHPParameters(ahp_mant=1), Connection(np.array([[1]])))
    with pytest.raises(ParameterError, match="layer 'out': ahp_mant: found 1, expected 0"):
        Network(NetworkSpec((layer,), readout="voltage"))


@pytest.mark.parametrize("offset", [0, 2, -1])
def test_the_reset_offset_shifts_the_first_step_of_a_sample(offset):
    neuron = FixedAHPParameters(du=-1, dv=4096, vth=VTH_MAX)
    network = NetworkSpec((Layer("a", 1, neuron, Connection(np.array([[1]]))),), readout="voltage")
    net = Network(network, reset_interval=5, reset_offset=offset)
    source = SpikeSource(shape=(1,), samples=[np.ones((15, 1), int)], n_steps=15)
    source.s_out.connect(net.inp)
    v = record({"v": net.out}, 15)["v"][:, 0] / 64
    # The sum of the spikes since the last reset; a spike of step t acts in t + 1.
    expected, total = [], 0
    for step in range(1, 16):
        total = 0 if (step - 1 - offset) % 5 == 0 else total + (step > 1)
        expected.append(total)
    assert v.tolist() == expected


def test_it_needs_neither_torch_nor_lava_dl():
    code = (
        "import sys, lava_ahp.processes\n"
        "bad = [m for m in sys.modules if m == 'torch' or m.startswith('lava.lib')]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
