"""The networks that come with the package do what their model cards say."""

import numpy as np
import pytest

from lava_ahp import netx, netx_models
from lava_ahp.engine import simulate
from lava_ahp.evaluation import evaluate, load_samples

NAMES = netx_models.names()


def test_there_is_a_network_for_the_demo():
    assert "digits" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_accuracy_and_firing_rate_are_those_of_the_card(name):
    claimed = netx.load(name).metadata.provenance["metrics"]["test"]
    card = netx_models.path(name).with_suffix(".md").read_text(encoding="utf-8")
    found = evaluate(name)
    assert (found.accuracy, found.n) == (claimed["accuracy"], claimed["n"])
    assert found.firing_rate == pytest.approx(claimed["firing_rate"])
    assert f"| test | {found.n} | {found.accuracy:.2%} | {found.firing_rate:.2%} |" in card


def test_digits_is_right_on_nine_of_ten_and_sparse():
    found = evaluate("digits")
    assert found.accuracy >= 0.95
    assert found.firing_rate <= 0.05
    assert found.readout_spikes == 0


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_8_bits(name):
    for layer in netx.load(name).layers:
        for connection in layer.connections.values():
            assert np.array_equal(connection.weight, connection.effective_weight)
            assert connection.weight.min() >= -256 and connection.weight.max() <= 254


def test_digits_on_lava_is_the_network_of_the_engine_in_every_bit():
    pytest.importorskip("lava.magma")
    from lava_ahp.processes import simulate_on_lava

    network = netx.load("digits")
    samples = load_samples(network, limit=2)
    record = ("spikes", "u", "v", "a")
    on_lava = simulate_on_lava(network, samples.spikes, samples.spikes.n_steps, record)
    in_engine = simulate(network, samples.spikes[0:2], record)
    assert np.array_equal(on_lava.output, in_engine.output)
    for name in record:
        for layer, values in getattr(in_engine, name).items():
            assert np.array_equal(getattr(on_lava, name)[layer], values), (name, layer)
