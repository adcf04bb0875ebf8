"""The engine against a network of neurons computed one by one in plain Python."""

import threading
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import digits_network, random_input, random_network
from reference import naive_neuron

from lava_ahp.engine import simulate
from lava_ahp.errors import ParameterError
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters


def truncated(connection):
    """Weights as the hardware counts them, as a list of rows of Python integers."""
    rows = [[int(w) for w in row] for row in connection.weight]
    values = [w for row in rows for w in row]
    if connection.sign_mode == "mixed" and min(values) < 0 < max(values):
        return [[w - w % 2 for w in row] for row in rows]
    return [[max(w, -255) for w in row] for row in rows]


def naive_traces(network, spikes):
    """Traces of every neuron, by number of the layer and neuron, for one sample.

    Spikes are events in a calendar; each neuron is run from the start again in each step,
    on all that has come to it so far.
    """
    n_steps = len(spikes)
    arriving = defaultdict(int)
    history = {(k, i): [] for k, layer in enumerate(network.layers) for i in range(layer.n_neurons)}
    traces = {}

    def send(k, connection, source, strength, t):
        for target, row in enumerate(truncated(connection)):
            delay = 0 if connection.delay is None else int(connection.delay[target, source])
            arriving[k, target, t + 1 + delay] += row[source] * strength

    for t in range(n_steps):
        events = [(i, int(value)) for i, value in enumerate(spikes[t]) if value]
        for k, layer in enumerate(network.layers):
            if layer.inputs is None:
                for i, value in events:
                    arriving[k, i, t] += value
            else:
                for source, strength in events:
                    send(k, layer.inputs, source, strength, t)
            arguments = {name: np.asarray(v) for name, v in layer.neuron.arguments().items()}
            events = []
            for i in range(layer.n_neurons):
                history[k, i].append(arriving[k, i, t])
                mine = {name: int(v) if v.ndim == 0 else int(v[i]) for name, v in arguments.items()}
                traces[k, i] = naive_neuron(history[k, i], mine)
                if traces[k, i].s[-1]:
                    events.append((i, 1))
            if layer.recurrent is not None:
                for source, _ in events:
                    send(k, layer.recurrent, source, 1, t)
    return traces


def naive_network(network, spikes):
    """States of every neuron: `{layer: {quantity: [neuron][step]}}` for one sample."""
    traces = naive_traces(network, spikes)
    return {
        layer.name: {
            name: [getattr(traces[k, i], short) for i in range(layer.n_neurons)]
            for name, short in (("spikes", "s"), ("u", "u"), ("v", "v"), ("a", "a"))
        }
        for k, layer in enumerate(network.layers)
    }


def small_network(random):
    """A network whose neurons can be computed one by one, again in each step, and its input."""
    network = random_network(random, largest=4, longest_delay=3)
    return network, random_input(random, network, 2, 20)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_state_of_a_random_network_is_that_of_its_neurons_one_by_one(seed):
    random = np.random.default_rng(seed)
    network, spikes = small_network(random)
    result = simulate(network, spikes, record=("spikes", "u", "v", "a"))
    for sample in range(2):
        expected = naive_network(network, spikes[sample].tolist())
        for layer in network.layers:
            for name in ("spikes", "u", "v", "a"):
                found = getattr(result, name)[layer.name][sample].T
                assert found.tolist() == expected[layer.name][name], (layer.name, name)
            count = [sum(s) for s in expected[layer.name]["spikes"]]
            assert result.spike_counts[layer.name][sample].tolist() == count
        last = expected[network.layers[-1].name]
        if network.readout == "voltage":
            assert result.output[sample].tolist() == [v[-1] for v in last["v"]]
        else:
            assert result.output[sample].tolist() == [sum(s) for s in last["spikes"]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_operations_are_what_the_neurons_did_one_by_one(seed):
    random = np.random.default_rng(seed)
    network, spikes = small_network(random)
    found = simulate(network, spikes).operations
    traces = [naive_traces(network, sample.tolist()) for sample in spikes]

    def total(k, layer, of, where=None):
        neurons = range(layer.n_neurons)[where or slice(None)]
        return [of(sample[k, i]) for sample in traces for i in neurons]

    assert (found.n_samples, found.n_steps) == (2, 40)
    assert found.input_spikes == sum(value != 0 for value in spikes.flat)
    sent = np.count_nonzero(spikes, axis=(0, 1)).tolist()
    for k, layer in enumerate(network.layers):
        n_spikes = [sum(sum(sample[k, i].s) for sample in traces) for i in range(layer.n_neurons)]
        assert found.spikes[layer.name] == sum(n_spikes)
        assert found.neuron_updates[layer.name] == layer.n_neurons * 40
        for name, sources in (("weight", sent), ("weight_rec", n_spikes)):
            if name in layer.connections:
                rows = truncated(layer.connections[name])
                events = sum(n * (row[j] != 0) for row in rows for j, n in enumerate(sources))
                assert found.synaptic_events[f"{layer.name}.{name}"] == events
        sent = n_spikes
    for label, layer, where in network.labelled_groups():
        k = network.layers.index(layer)
        assert found.wraps[label] == sum(total(k, layer, lambda t: t.wraps, where))
        assert found.saturations[label] == sum(total(k, layer, lambda t: t.saturations, where))
        assert found.v_min[label] == min(0, *total(k, layer, lambda t: min(t.before_reset), where))
        assert found.v_max[label] == max(0, *total(k, layer, lambda t: max(t.before_reset), where))


def test_random_networks_are_alive_enough_to_test_something():
    """Neurons spike, rest, have delays and AHP currents in the networks of the test above."""
    active = recurrent = delayed = adapted = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        network, spikes = small_network(random)
        result = simulate(network, spikes, record=("a",))
        rate = np.mean([c.mean() / 20 for c in result.spike_counts.values()])
        active += 0.05 < rate < 0.9
        adapted += any((a < 0).any() for a in result.a.values())
        recurrent += any(layer.recurrent is not None for layer in network.layers)
        delayed += any(c.max_delay for layer in network.layers for c in layer.connections.values())
    assert min(active, recurrent, delayed, adapted) >= 10


def one_neuron(weight=100, **parameters):
    neuron = FixedAHPParameters(**({"du": 4095, "dv": 0, "vth": 1000} | parameters))
    return NetworkSpec((Layer("n", 1, neuron, Connection(np.array([[weight]]))),), "voltage")


def pulses(*steps, n_steps=8):
    spikes = np.zeros((1, n_steps, 1), int)
    spikes[0, list(steps)] = 1
    return spikes


def test_an_input_acts_one_step_later():
    v = simulate(one_neuron(), pulses(2), record=("v",)).v["n"][0, :, 0]
    assert v.tolist() == [0, 0, 0, 6400, 6400, 6400, 6400, 6400]


def test_an_input_of_the_last_step_has_no_effect():
    assert simulate(one_neuron(), pulses(7)).output.tolist() == [[0]]


def test_a_delay_adds_to_the_latency_of_one():
    net = one_neuron()
    layer = Layer("n", 1, net.layers[0].neuron, Connection(np.array([[100]]), delay=np.array([[3]])))
    v = simulate(NetworkSpec((layer,), "voltage"), pulses(1), record=("v",)).v["n"][0, :, 0]
    assert np.flatnonzero(v)[0] == 5


def test_samples_of_a_batch_do_not_touch_each_other():
    network = digits_network(3)
    spikes = np.random.default_rng(0).integers(0, 2, (4, 30, 34))
    whole = simulate(network, spikes, record=("v",))
    for i in range(4):
        alone = simulate(network, spikes[i : i + 1], record=("v",))
        assert np.array_equal(alone.v["hidden"][0], whole.v["hidden"][i])
        assert np.array_equal(alone.output[0], whole.output[i])


def test_the_prediction_is_the_first_of_equal_outputs():
    neuron = FixedAHPParameters(du=4095, dv=0, vth=131071)
    layer = Layer("n", 3, neuron, Connection(np.array([[1], [5], [5]])))
    result = simulate(NetworkSpec((layer,), "voltage"), pulses(0))
    assert result.predictions.tolist() == [1] and result.predictions.dtype == np.int64


def test_recordings_have_their_shapes_and_types():
    result = simulate(digits_network(), np.zeros((2, 5, 34), bool), ["spikes", "v"])
    assert result.spikes["hidden"].shape == (2, 5, 11)
    assert (result.spikes["hidden"].dtype, result.v["hidden"].dtype) == (np.uint8, np.int32)
    assert result.u == {} and result.a == {}
    assert result.n_steps == 5


def test_input_spikes_may_be_booleans_or_small_integers():
    spikes = np.random.default_rng(0).integers(0, 2, (2, 20, 34))
    outputs = [
        simulate(digits_network(), spikes.astype(kind)).output for kind in (bool, np.uint8, np.int64)
    ]
    assert np.array_equal(outputs[0], outputs[1]) and np.array_equal(outputs[0], outputs[2])


@pytest.mark.parametrize(
    "spikes, message",
    [
        (np.zeros((2, 5), int), r"spikes: found shape \(2, 5\), expected \(batch, time, 34\)"),
        (np.zeros((2, 5, 33), int), "spikes: found shape"),
        (np.zeros((2, 5, 34)), "spikes: found type float64"),
        (np.full((2, 5, 34), 2), "spikes: found values from 2 to 2, expected 0 or 1"),
        (np.full((2, 5, 34), -1), "spikes: found values from -1"),
        (np.zeros((2, 0, 34), int), "spikes: found 0 steps, expected at least 1"),
        (np.zeros((0, 5, 34), int), "spikes: found no samples, expected at least one"),
        ([[[0.0] * 33 + [np.nan]] * 5], r"found type float64 and NaN at \(0, 0, 33\), expected"),
        ([[[0] * 34] * 5, [[0] * 34] * 6], "spikes: found samples of different shapes"),
        ([["0" * 34]], r"found shape \(1, 1\)"),
        (None, "spikes: found None, expected samples"),
    ],
)
def test_input_that_is_no_spikes_is_refused(spikes, message):
    with pytest.raises(ParameterError, match=message):
        simulate(digits_network(), spikes)


@pytest.mark.parametrize(
    "second, message",
    [
        (np.zeros((6, 34), int), "samples from 2 on: spikes: found 6 steps, expected 5"),
        (np.zeros((5, 33), int), r"samples from 2 on: spikes: found shape \(1, 5, 33\)"),
        (np.full((5, 34), 3), "samples from 2 on: spikes: found values from 3 to 3"),
    ],
)
def test_a_later_sample_that_is_no_spikes_is_named(second, message):
    samples = [np.zeros((5, 34), int), np.zeros((5, 34), int), second]
    with pytest.raises(ParameterError, match=message):
        simulate(digits_network(), samples, batch_size=2)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_integers_of_more_than_32_bits_are_refused(value):
    network = replace(one_neuron(), graded_input=True)
    with pytest.raises(ParameterError, match="found values from .* expected -2147483648 to 2147483647"):
        simulate(network, np.array([[[value], [0]]]))


def test_recordings_that_memory_cannot_hold_are_refused_before_the_run():
    sample = np.zeros((10**6, 34), np.uint8)
    with pytest.raises(ParameterError, match=r"record: found 21,000.0 GB, expected at most the"):
        simulate(digits_network(), [sample] * 10**6, record=("spikes",))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_run_that_is_ended_leaves_no_thread(error):
    def samples():
        for _ in range(5):
            yield np.zeros((2000, 34), int)
        raise error

    before = threading.active_count()
    with pytest.raises(error):
        simulate(digits_network(), samples(), batch_size=2, n_threads=3)
    assert threading.active_count() == before


@pytest.mark.parametrize("option", ["batch_size", "n_threads"])
@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_a_number_that_is_none_is_refused(option, value):
    with pytest.raises(ParameterError, match=f"{option}: found {value}, expected a positive integer"):
        simulate(digits_network(), np.zeros((1, 2, 34), int), **{option: value})


def test_an_unknown_quantity_is_not_recorded():
    with pytest.raises(ParameterError, match="record: found 'w'"):
        simulate(digits_network(), np.zeros((1, 2, 34), int), ["v", "w"])
