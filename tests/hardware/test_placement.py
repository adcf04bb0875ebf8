"""Placements respect every limit, waste little, and say what binds.

What a placement claims is counted again here, synapse by synapse, from the blocks alone.
"""

import os
from collections import defaultdict
from dataclasses import replace
from math import ceil
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from networks import digits_network

from lava_ahp import netx
from lava_ahp.errors import ParameterError
from lava_ahp.hardware import CHIPS, assign_chips, place
from lava_ahp.hardware.limits import LOIHI1, Limit
from lava_ahp.interop import nxsdk
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters


def random_network(seed, sizes=(60, 90, 40), n_inputs=30, density=0.3):
    """Recurrent layers with mixed parameters, weights of either sign mode, delays in one."""
    random = np.random.default_rng(seed)

    def connection(n, m, mode, delayed=False):
        weight = random.integers(-127, 128, (n, m)) * 2 * (random.random((n, m)) < density)
        return Connection(weight, mode, random.integers(0, 5, (n, m)) if delayed else None)

    layers, before = [], n_inputs
    for k, n in enumerate(sizes):
        mode = ("split", "mixed")[k % 2]
        neuron = FixedAHPParameters(
            du=4095,
            dv=random.choice([100, 200, 300, 400], n),
            da=random.choice([10, 20, 30], n),
            vth=random.choice([64, 128], n),
            ahp_mant=random.choice([0, 50], n),
            in_exp=random.choice([0, 2], n) if k == 1 else 0,
        )
        layers.append(
            Layer(
                f"layer {k}",
                n,
                neuron,
                connection(n, before, mode, delayed=k == 0),
                connection(n, n, mode) if k < 2 else None,
            )
        )
        before = n
    return NetworkSpec(tuple(layers))


def small(**limits):
    """Loihi 1 with cores that hold less."""
    core = dict(LOIHI1.core) | {k: Limit(v, "test") for k, v in limits.items()}
    return replace(LOIHI1, core=MappingProxyType(core))


@pytest.fixture
def chip(monkeypatch):
    """Put a chip with given limits in the place of Loihi 1."""

    def put(**limits):
        made = small(**limits)
        monkeypatch.setattr("lava_ahp.hardware.limits.CHIPS", {"loihi1": made})
        return made

    return put


def words(n, bits):
    return ceil((n * bits + 10 * ceil(n / 64)) / 64)


def field_bits(weights):
    """Bits of the smallest weight field, with the sign where there are both."""
    magnitudes = [abs(int(w)) for w in weights.flat if w]
    shift = next(k for k in range(10) if any(m >> k & 1 for m in magnitudes))
    needed = max(magnitudes).bit_length() - shift + (weights.min() < 0 < weights.max())
    return min(b for b in (1, 2, 3, 4, 5, 6, 8) if b >= min(needed, 8))


def counted_again(network, placement):
    """Use of each core of Loihi 1, and spikes between cores at one spike a step."""
    cores = [defaultdict(int) for _ in range(placement.n_cores)]
    home, traffic = {}, np.zeros((placement.n_cores, placement.n_cores))
    for block in placement.blocks:
        for neuron in block.neurons:
            home[block.layer, int(neuron)] = block.core
    for block in placement.blocks:
        use = cores[block.core]
        index = [layer.name for layer in network.layers].index(block.layer)
        layer = network.layers[index]
        p = layer.neuron.broadcast(layer.n_neurons)
        ahp = [n for n in block.neurons if p.ahp_mant[n]]
        use["compartments"] += len(block.neurons) + len(ahp)
        mains = {(p.dv[n], p.refractory_period[n]) for n in block.neurons}
        # profiles are shared among neurons of one threshold: the order of the neurons says so
        by_vth = {(p.vth[n], p.dv[n]) for n in block.neurons}
        use["profiles"] += len({p.da[n] for n in ahp})
        use["main profiles at least"] += len(mains)
        use["main profiles at most"] += len(by_vth)
        use["thresholds"] += len({p.vth[n] for n in block.neurons}) + bool(ahp)
        for kept in ("input_axons", "output_axons", "formats"):
            use[kept] += len(ahp) if kept != "formats" else bool(ahp)
        use["synapse_bytes"] += 8 * len(ahp)
        traffic[block.core, block.core] += len(ahp)
        sources = [(network.layers[index - 1].name if index else None, layer.inputs)]
        sources += [(block.layer, layer.recurrent)] if layer.recurrent else []
        for sender, connection in sources:
            weight = connection.effective_weight
            split = connection.sign_mode == "split"
            exponent = p.in_exp[block.neurons[0]]
            for sign in (1, -1) if split else (0,):
                half = np.where(np.sign(weight) == sign, weight, 0) if split else weight
                all_of_format = half[p.in_exp == exponent]
                bits = field_bits(all_of_format) + 6 * (connection.delay is not None)
                lists = [int(np.count_nonzero(half[block.neurons, s])) for s in range(half.shape[1])]
                used = [n for n in lists if n]
                use["formats"] += bool(used)
                use["input_axons"] += len(used)
                sparse = sum(words(n, bits + 10) for n in used)
                dense = len(used) * words(len(block.neurons), bits)
                use["synapse_bytes"] += 8 * min(sparse, dense)
                for s, n in enumerate(lists):
                    if n and sender is not None:
                        cores[home[sender, s]]["output_axons"] += 1
                        traffic[home[sender, s], block.core] += 1
    return cores, traffic


@pytest.mark.parametrize("seed", range(4))
def test_use_is_what_the_blocks_take_and_within_every_limit(seed, chip):
    made = chip(compartments=60, synapse_bytes=6000, output_axons=300)
    network = random_network(seed)
    placement = place(network, "loihi1", rates=1.0, input_rate=0.5)
    cores, traffic = counted_again(network, placement)
    for core, expected in enumerate(cores):
        found = {name: int(used[core]) for name, used in placement.use.items()}
        for name in set(found) - {"profiles"}:
            assert found[name] == expected[name], (core, name)
        main = found["profiles"] - expected["profiles"]
        assert expected["main profiles at least"] <= main <= expected["main profiles at most"]
        assert all(found[name] <= limit.value for name, limit in made.core.items())
    assert np.array_equal(placement.traffic, traffic)
    assert placement.spikes_between_cores == traffic.sum() - np.trace(traffic)


@pytest.mark.parametrize("target", CHIPS)
def test_every_neuron_lies_on_one_core(target):
    network = random_network(5)
    placement = place(network, target)
    for layer in network.layers:
        blocks = [b.neurons for b in placement.blocks if b.layer == layer.name]
        assert np.array_equal(np.sort(np.concatenate(blocks)), np.arange(layer.n_neurons))


def regular_chain(n_layers, n, synapses=1):
    """Layers of equal neurons, each driven by `synapses` neurons of the layer before."""
    weight = sum(np.roll(np.eye(n, dtype=int), k, axis=0) for k in range(synapses)) * 64
    neuron = FixedAHPParameters(du=4095, dv=100, vth=64)
    return NetworkSpec(
        tuple(Layer(f"{k}", n, neuron, Connection(weight)) for k in range(n_layers))
    )


@pytest.mark.parametrize("n, cores", [(256, 1), (257, 2), (1024, 4), (1025, 5)])
def test_as_few_cores_as_the_compartments_allow(n, cores):
    placement = place(regular_chain(4, n))
    assert placement.n_cores == placement.cores_needed["compartments"] == cores


def test_an_ahp_neuron_takes_two_compartments_on_loihi_1_and_one_on_loihi_2():
    neuron = FixedAHPParameters(du=4095, dv=100, da=10, ahp_mant=5, vth=64)
    network = NetworkSpec((Layer("a", 600, neuron, Connection(np.eye(600, dtype=int))),))
    assert place(network, "loihi1").use["compartments"].sum() == 1200
    assert place(network, "loihi1").n_cores == 2
    assert place(network, "loihi2").use["compartments"].sum() == 600
    assert place(network, "loihi2").n_cores == 1


def test_populations_that_need_different_things_share_cores(chip):
    chip(compartments=100, synapse_bytes=4000)
    few_wide = np.ones((20, 100), int) * 255
    narrow = np.eye(80, 20, dtype=int)
    neuron = FixedAHPParameters(du=4095, vth=64)
    network = NetworkSpec(
        (Layer("wide", 20, neuron, Connection(few_wide)), Layer("many", 80, neuron, Connection(narrow)))
    )
    assert place(network).n_cores == 1


@pytest.mark.parametrize(
    "limits, binding",
    [
        ({"compartments": 50}, "compartments"),
        ({"synapse_bytes": 2000}, "synapse_bytes"),
        ({"input_axons": 60}, "input_axons"),
        ({"output_axons": 40}, "output_axons"),
    ],
)
def test_the_limit_that_binds_is_named(chip, limits, binding):
    chip(**limits)
    placement = place(regular_chain(3, 200, synapses=3))
    assert placement.binding == binding
    assert binding in placement.stopped_by


def test_what_does_not_fit_is_named_with_its_layer_and_limit():
    neuron = FixedAHPParameters(du=4095, vth=64)
    network = NetworkSpec(
        (
            Layer("narrow", 1, neuron, Connection(np.ones((1, 4096), int))),
            Layer("fine", 5000, neuron, Connection(np.ones((5000, 1), int))),
            Layer("wide", 1, neuron, Connection(np.ones((1, 5000), int))),
        )
    )
    with pytest.raises(ParameterError) as error:
        place(network)
    assert "layer 'wide': neuron 0 takes 5,000 input axons, a core of loihi1 has 4,096" in str(
        error.value
    )
    assert "narrow" not in str(error.value) and "fine" not in str(error.value)


def test_a_recurrent_layer_whose_axons_no_division_satisfies_is_refused(chip):
    # Of 150 neurons that all reach each other, each needs an axon for every core there is.
    chip(output_axons=100, compartments=120)
    neuron = FixedAHPParameters(du=4095, vth=64)
    everyone = Connection(np.ones((150, 150), int))
    network = NetworkSpec((Layer("all to all", 150, neuron, None, everyone),))
    with pytest.raises(ParameterError, match="'all to all': neuron 0 takes 1.. output axons"):
        place(network)


@pytest.mark.parametrize("target", ["loihi3", "", None])
def test_an_unknown_target_is_refused(target):
    with pytest.raises(ParameterError, match="target: found .* expected one of"):
        place(digits_network(), target)


@pytest.mark.parametrize(
    "rates", [-0.1, np.nan, "many", {"hidden": 0.1}, {"hidden": np.ones(3), "readout": 0}]
)
def test_a_rate_that_is_none_is_refused(rates):
    with pytest.raises(ParameterError, match="rate of '"):
        place(digits_network(), rates=rates)


def test_traffic_is_the_rates_times_what_each_neuron_reaches(chip):
    chip(compartments=100)
    rates = {"0": np.arange(100) / 100, "1": 0.5, "2": 7.0}
    placement = place(regular_chain(3, 100), rates=rates, input_rate=0.25)
    assert placement.n_cores == 3
    expected = np.zeros((3, 3))
    expected[0, 1], expected[1, 2] = np.arange(100).sum() / 100, 50
    assert np.allclose(placement.traffic, expected)
    assert np.allclose(placement.input_traffic, [25, 0, 0])


def test_networks_larger_than_a_chip_take_several_and_count_spikes_between_them(monkeypatch):
    tiny = replace(small(compartments=50), cores=Limit(4, "test"))
    monkeypatch.setattr("lava_ahp.hardware.limits.CHIPS", {"loihi1": tiny})
    placement = place(regular_chain(8, 50), rates=1.0)
    assert (placement.n_cores, placement.n_chips) == (8, 2)
    # a chain cut once: 50 spikes a step
    assert placement.spikes_between_chips == 50


def test_exchanges_find_groups_of_cores_that_talk_among_themselves():
    random = np.random.default_rng(1)
    group = random.permutation(np.repeat(np.arange(5), 16))[:75]
    traffic = np.where(group[:, None] == group, random.random((75, 75)) + 1, 0.01)
    chip_of = assign_chips(traffic, 16)
    assert np.bincount(chip_of).max() <= 16
    between = traffic[chip_of[:, None] != chip_of].sum()
    assert between == pytest.approx(traffic[group[:, None] != group].sum())


@pytest.mark.parametrize("n_cores, chips", [(1, 1), (128, 1), (129, 2), (385, 4)])
def test_no_more_chips_than_hold_the_cores(n_cores, chips):
    chip_of = assign_chips(np.eye(n_cores, k=1), 128)
    assert len(np.unique(chip_of)) == chips
    assert np.bincount(chip_of).max() <= 128


def test_the_description_is_plain_and_complete():
    import json

    found = json.loads(json.dumps(place(netx.load("digits")).to_dict()))
    assert sum(len(ns) for core in found["cores"] for ns in core["neurons"].values()) == sum(
        layer.n_neurons for layer in netx.load("digits").layers
    )
    assert len(found["cores"]) == found["n_cores"]
    assert all(entry["source"] for entry in found["limits"].values())


def test_intels_network_fits_one_chip_of_loihi_1():
    data = os.environ.get("LAVA_AHP_DATA")
    if not data:
        pytest.skip("needs LAVA_AHP_DATA")
    network = nxsdk.read(Path(data) / "nxsdk_lsnn_seqmnist")
    placement = place(network, "loihi1")
    assert placement.n_chips == 1
    assert placement.use["compartments"].sum() == 240 + 100 + 10
