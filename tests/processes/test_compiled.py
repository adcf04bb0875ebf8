"""The network in one Process: spikes and states of the Network of single Processes."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava_runs import record  # noqa: E402
from networks import digits_network, random_input, random_network  # noqa: E402

from lava_ahp import netx  # noqa: E402
from lava_ahp.engine import simulate  # noqa: E402
from lava_ahp.errors import FileFormatError, ParameterError  # noqa: E402
from lava_ahp.network import Connection, Layer, NetworkSpec  # noqa: E402
from lava_ahp.neuron import FixedAHPParameters  # noqa: E402
from lava_ahp.processes import CompiledNetwork, Network, SpikeSource  # noqa: E402

N_STEPS = 40


def alive(seed, **options):
    """A random network whose hidden layers fire, and input for it, shape (time, channel)."""
    for number in range(seed, seed + 1000):
        random = np.random.default_rng(number)
        network = random_network(random, n_layers=3, longest_delay=9, **options)
        x = random_input(random, network, 1, N_STEPS)[0]
        counts = [*simulate(network, x[np.newaxis]).spike_counts.values()]
        if all(5 < count.sum() < 0.5 * count.size * N_STEPS for count in counts[:-1]):
            return network, x
    raise AssertionError("no network fires")


def feed(x, *networks):
    source = SpikeSource(shape=x.shape[1:], samples=[x], n_steps=len(x))
    for network in networks:
        source.s_out.connect(network.inp)


@pytest.mark.parametrize("staggered", [False, True])
@pytest.mark.parametrize("direct", [False, True])
def test_it_gives_what_single_processes_give_over_resets(direct, staggered):
    network, x = alive(100 * direct, direct=direct)
    network = replace(network, staggered_reset=staggered)
    reset = {"reset_interval": 11, "reset_offset": 3}
    single, compiled = Network(network, **reset), CompiledNetwork(network, **reset)
    feed(x, single, compiled)
    targets = {layer.spec.name: layer.neuron.v for layer in single.layers}
    found = record(
        {"out": compiled.out, "v": compiled.v, "single out": single.out, **targets}, N_STEPS
    )
    np.testing.assert_array_equal(found["out"], found["single out"])
    for name, neurons in compiled.neurons.items():
        np.testing.assert_array_equal(found["v"][:, neurons], found[name], name)
        assert found[name].any()


def test_its_vars_are_the_states_of_the_engine():
    network, x = alive(5)
    net = CompiledNetwork(network)
    feed(x, net)
    found = record({name: getattr(net, name) for name in "suva"}, N_STEPS)
    expected = simulate(network, x[np.newaxis], ("spikes", "u", "v", "a"))
    for name, neurons in net.neurons.items():
        for var, kind in zip("suva", ("spikes", "u", "v", "a")):
            values = getattr(expected, kind)[name][0]
            np.testing.assert_array_equal(found[var][:, neurons], values, f"{kind} of {name}")


def test_two_networks_in_a_circle_do_not_wait_for_each_other():
    neuron = FixedAHPParameters(dv=100, vth=400, bias_mant=1000, bias_exp=2)
    network = NetworkSpec((Layer("a", 3, neuron, Connection(np.array([[1, -9, 5]] * 3))),))

    def circle(kind):
        one, other = kind(network), kind(network)
        one.out.connect(other.inp)
        other.out.connect(one.inp)
        return record({"one": one.out, "other": other.out}, 30)

    compiled, single = circle(CompiledNetwork), circle(Network)
    for name, spikes in single.items():
        assert 0 < spikes.sum() < spikes.size
        np.testing.assert_array_equal(compiled[name], spikes)


def test_a_path_a_name_and_a_spec_give_the_same_network(tmp_path):
    netx.write(digits_network(), tmp_path / "some.net")
    for config in (tmp_path / "some.net", digits_network()):
        net = CompiledNetwork(config)
        assert (net.inp.shape, net.out.shape, net.v.shape) == ((34,), (10,), (21,))
        assert net.neurons == {"hidden": slice(0, 11), "readout": slice(11, 21)}
    assert CompiledNetwork("digits").inp.shape == (34,)
    with pytest.raises(FileFormatError, match="found no such file"):
        CompiledNetwork("none.net")
    with pytest.raises(ParameterError, match="reset_interval: found 0"):
        CompiledNetwork(digits_network(), reset_interval=0)
