"""The networks that come with the package do what their model cards say."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from lava_ahp import netx, netx_models, relational
from lava_ahp.engine import simulate
from lava_ahp.evaluation import evaluate, load_samples

NAMES = netx_models.names()


def test_there_is_a_network_for_the_demo():
    assert "digits" in NAMES


def data(name):
    """A file that is not in the repository; without it the test is skipped."""
    path = Path(os.environ.get("LAVA_AHP_DATA", ""), name)
    if not path.is_file():
        pytest.skip(f"no {name} in the folder that LAVA_AHP_DATA names")
    return path


def mnist():
    return data("mnist_train.npz")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_accuracy_and_firing_rate_are_those_of_the_card(name, split):
    measured = netx.load(name).metadata.provenance["metrics"]
    if split not in measured:
        pytest.skip(f"{name} was not measured on the {split} split")
    claimed = measured[split]
    card = netx_models.path(name).with_suffix(".md").read_text(encoding="utf-8")
    found = evaluate(name, mnist() if name == "smnist" else None, split)
    assert (found.accuracy, found.n) == (claimed["accuracy"], claimed["n"])
    assert found.firing_rate == pytest.approx(claimed["firing_rate"])
    assert f"| {split} | {found.n:,} | {found.accuracy:.2%} | {found.firing_rate:.2%} |" in card


def test_digits_is_right_on_nine_of_ten_and_sparse():
    found = evaluate("digits")
    assert found.accuracy >= 0.95
    assert found.firing_rate <= 0.05
    assert found.readout_spikes == 0


def test_smnist_has_the_shape_of_the_paper_and_beats_it():
    network = netx.load("smnist")
    layers = [c for layer in network.layers for c in layer.connections.values()]
    synapses, pairs = (sum(f(c) for c in layers) for f in (lambda c: c.n_synapses, lambda c: c.weight.size))
    assert [layer.n_neurons for layer in network.layers] == [240, 10]
    assert synapses <= 0.2 * pairs
    found = evaluate("smnist", mnist(), "validation")
    assert found.accuracy >= 0.98 and found.firing_rate <= 0.03
    assert found.readout_spikes == 0
    assert not any((*found.operations.wraps.values(), *found.operations.saturations.values()))


def test_babi_answers_as_its_card_says():
    stories = data("babi_en10k.tar.xz")
    provenance = json.loads((netx_models.folder("babi") / "relational.json").read_text())["provenance"]
    metrics = provenance["metrics"]
    assert sum(values["accuracy"] >= 0.95 for values in metrics.values()) >= 12
    assert np.mean([values["firing_rate"] for values in metrics.values()]) <= 0.05
    found = relational.evaluate("babi", stories, "validation", (1, 17))
    for task in (1, 17):
        claimed = metrics[str(task)]
        assert found.task_accuracy(task) == claimed["accuracy"]
        assert found.firing_rate(task) == pytest.approx(claimed["firing_rate"])


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
