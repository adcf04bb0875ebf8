"""Accuracy and firing rates, counted a second time from the recorded spikes."""

from dataclasses import replace

import numpy as np
import pytest
from networks import digits_network

from lava_ahp import netx
from lava_ahp.engine import simulate
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.evaluation import evaluate, hidden_groups, load_samples, run
from lava_ahp.info import describe
from lava_ahp.network import Connection, Group, Layer, Metadata, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.tasks import digits


@pytest.fixture(scope="module")
def network():
    return digits_network()


@pytest.fixture(scope="module")
def found(network):
    return evaluate(network, limit=20)


@pytest.fixture(scope="module")
def recorded(network):
    samples = digits.load("test").first(20)
    return simulate(network, samples.spikes[0:20], record=("spikes",))


def test_predictions_are_those_of_the_engine_in_the_order_of_the_data(found, recorded):
    assert found.predictions.dtype == np.int64
    assert found.predictions.tolist() == recorded.predictions.tolist()
    assert found.labels.tolist() == digits.load("test").labels[:20].tolist()
    hits = sum(int(a) == int(b) for a, b in zip(found.predictions, found.labels))
    assert found.accuracy == hits / 20 and found.n_correct == hits and found.n == 20


def test_firing_rates_are_spikes_per_neuron_and_step(found, recorded):
    spikes = recorded.spikes["hidden"]
    assert 0 < spikes.mean() < 1
    assert found.firing_rate == pytest.approx(spikes.mean())
    assert found.firing_rates["regular"] == pytest.approx(spikes[..., :6].mean())
    assert found.firing_rates["AHP"] == pytest.approx(spikes[..., 6:].mean())
    assert found.readout_spikes == recorded.spikes["readout"].sum()


def test_operations_are_those_of_all_samples(network, found):
    samples = digits.load("test").first(20)
    assert found.operations == simulate(network, samples.spikes).operations
    assert found.to_dict()["operations"] == found.operations.to_dict()
    assert found.operations.n_samples == 20 and found.operations.n_steps == 20 * 72
    assert found.operations.spikes["readout"] == found.readout_spikes


def test_confusion_counts_labels_by_row_and_predictions_by_column(found):
    confusion = found.confusion
    assert confusion.shape == (10, 10) and confusion.sum() == 20
    assert np.trace(confusion) == found.n_correct
    for label in range(10):
        assert confusion[label].sum() == np.count_nonzero(found.labels == label)
        assert confusion[:, label].sum() == np.count_nonzero(found.predictions == label)


@pytest.mark.parametrize("batch_size", [1, 7, 20, 1000])
def test_the_batch_size_changes_nothing_and_progress_reaches_the_end(network, found, batch_size):
    told = []
    again = evaluate(
        network, limit=20, batch_size=batch_size, progress=lambda *seen: told.append(seen)
    )
    assert np.array_equal(again.predictions, found.predictions)
    assert again.firing_rates == pytest.approx(found.firing_rates)
    assert told[-1] == (20, 20)
    assert len(told) == -(-20 // batch_size)


def test_samples_are_encoded_batch_by_batch(network):
    """A task that does not fit into memory must pass through it."""
    samples = digits.load("test").first(30)
    asked = []

    class Watched:
        n_steps = samples.spikes.n_steps

        def __len__(self):
            return 30

        def __getitem__(self, index):
            asked.append(index)
            return samples.spikes[index]

    class Streamed:
        spikes = Watched()

        def __len__(self):
            return 30

    run(network, Streamed(), batch_size=8)
    assert asked == [slice(0, 8), slice(8, 16), slice(16, 24), slice(24, 30)]


def test_a_network_may_come_as_a_file(network, found, tmp_path):
    path = tmp_path / "net.net"
    netx.write(network, path)
    again = evaluate(path, limit=20)
    assert again.network == str(path)
    assert np.array_equal(again.predictions, found.predictions)
    with pytest.raises(FileFormatError, match="nowhere.net"):
        evaluate(tmp_path / "nowhere.net")


def test_the_encoding_of_the_metadata_is_used(network):
    coding = digits.default_encoding().to_dict() | {"cue_steps": 3}
    shorter = replace(network, metadata=replace(network.metadata, encoding=coding))
    assert evaluate(shorter, limit=3).n_steps == 67
    without = replace(network, metadata=replace(network.metadata, encoding={}))
    assert evaluate(without, limit=3).n_steps == 72


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"backend": "gpu"}, "backend: found 'gpu', expected one of"),
        ({"split": "dev"}, "split: found 'dev', expected one of"),
        ({"limit": 0}, "limit: found 0, expected a positive integer"),
        ({"limit": True}, "limit: found True"),
        ({"batch_size": 0}, "batch_size: found 0"),
        ({"data": "x.npz"}, "data: found .* expected none"),
    ],
)
def test_a_wrong_argument_is_named(network, arguments, message):
    with pytest.raises(ParameterError, match=message):
        evaluate(network, **arguments)


@pytest.mark.parametrize(
    "metadata, message",
    [
        (Metadata(), "task: found none in the network's metadata"),
        (Metadata(task="chess"), "task: found 'chess'"),
        (Metadata(task="digits", encoding={"name": "poisson"}), "encoding: found 'poisson'"),
        (
            Metadata(task="digits", encoding={"name": "threshold-crossing"}),
            "encoding: found 80 channels, expected 34",
        ),
    ],
)
def test_a_network_that_does_not_say_what_it_reads_is_refused(metadata, message):
    with pytest.raises(ParameterError, match=message):
        evaluate(digits_network(metadata=metadata))


def test_load_samples_takes_the_first_of_the_split(network):
    samples = load_samples(network, split="validation", limit=5)
    assert np.array_equal(samples.images, digits.load("validation").images[:5])


def twins():
    """Two hidden layers with groups of the same name."""
    neuron = FixedAHPParameters(du=4095, vth=10)
    groups = (Group("regular", 2), Group("odd", 1))
    one = Layer("one", 3, neuron, Connection(np.ones((3, 4), int)), groups=groups)
    groups = (Group("regular", 2),)
    return NetworkSpec((one, Layer("two", 2, neuron, Connection(np.ones((2, 3), int)), groups=groups)))


def test_groups_of_one_name_in_two_layers_are_told_apart():
    assert [label for label, _, _ in hidden_groups(twins())] == ["one.regular", "odd", "two.regular"]


def test_lava_gives_the_same_evaluation_as_the_engine(network):
    pytest.importorskip("lava.magma")
    told = []
    on_lava = evaluate(network, limit=2, backend="lava", progress=lambda *seen: told.append(seen))
    in_engine = evaluate(network, limit=2)
    assert on_lava.backend == "lava" and told == [(1, 2), (2, 2)]
    ours, theirs = on_lava.to_dict(), in_engine.to_dict()
    for name in ours:
        if name not in ("backend", "seconds_per_sample", "operations"):
            assert ours[name] == theirs[name], name


def test_description_of_a_network_counts_what_is_there(network):
    told = describe(network)
    hidden, readout = told["layers"]
    weight = network.layers[0].inputs.weight
    connection = hidden["connections"][0]
    assert connection["n_synapses"] == np.count_nonzero(weight)
    assert connection["density"] == np.count_nonzero(weight) / (11 * 34)
    assert connection["weights"] == [weight[weight != 0].min(), weight[weight != 0].max()]
    assert connection["delays"] == [0, 0] and connection["sign_mode"] == "split"
    assert (told["n_inputs"], told["n_neurons"], told["n_outputs"]) == (34, 21, 10)
    regular, ahp = hidden["groups"]
    assert (regular["n_neurons"], regular["n_ahp"], ahp["n_ahp"]) == (6, 0, 5)
    assert regular["tau_a"] is None and regular["ahp_strength"] is None
    assert ahp["tau_a"] == [4096 / 20] * 2
    assert ahp["ahp_strength"] == [96 * 64 / (508 * 64)] * 2
    assert (regular["vth"], ahp["vth"], ahp["in_exp"]) == ([127, 127], [508, 508], [2, 2])
    assert readout["groups"][0]["tau_v"] == [819.2, 819.2]
    assert told["provenance"]["seed"] == 0 and told["task"] == "digits"


def test_a_description_says_where_nothing_decays_and_how_long_spikes_travel():
    neuron = FixedAHPParameters(du=np.array([-1, 4095]), dv=0, vth=np.array([5, 7]))
    connection = Connection(np.array([[0, 0], [3, -4]]), delay=np.array([[1, 2], [3, 4]]))
    layer = describe(NetworkSpec((Layer("a", 2, neuron, connection),)))["layers"][0]
    group = layer["groups"][0]
    assert group["tau_u"] == [1, None] and group["tau_v"] == [None, None]
    assert group["vth"] == [5, 7]
    assert layer["connections"][0]["delays"] == [1, 4]
    assert layer["connections"][0]["weights"] == [-4, 2], "mixed signs lose a bit"
