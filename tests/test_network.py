"""A network as plain data: what it takes, what it refuses, and how it counts."""

from dataclasses import replace

import numpy as np
import pytest
from networks import digits_network

from lava_ahp.errors import ParameterError
from lava_ahp.network import (
    Connection,
    Group,
    InputTransform,
    Layer,
    Metadata,
    NetworkSpec,
)
from lava_ahp.neuron import FixedAHPParameters

NEURON = FixedAHPParameters()


@pytest.mark.parametrize("mode, low, high", [("mixed", -256, 255), ("split", -255, 255)])
def test_weights_have_the_range_of_their_sign_mode(mode, low, high):
    weight = np.array([[low, high]])
    assert Connection(weight, mode).weight.tolist() == [[low, high]]
    for outside in (low - 1, high + 1):
        with pytest.raises(ParameterError, match=rf"weight: found {outside} at \(0, 1\)"):
            Connection(np.array([[0, outside]]), mode)


def test_mixed_signs_lose_the_lowest_bit_downwards():
    weight = np.array([[-256, -255, -3, -1, 0, 1, 3, 254, 255]])
    effective = Connection(weight, "mixed").effective_weight
    assert effective.tolist() == [[-256, -256, -4, -2, 0, 0, 2, 254, 254]]


def test_split_signs_keep_every_weight():
    weight = np.array([[-255, -3, -1, 0, 1, 3, 255]])
    assert Connection(weight, "split").effective_weight.tolist() == weight.tolist()


@pytest.mark.parametrize("mode", ["mixed", "split"])
def test_weights_of_one_sign_keep_their_lowest_bit(mode):
    assert Connection(np.array([[1, 3, 255]]), mode).effective_weight.tolist() == [[1, 3, 255]]
    assert Connection(np.array([[-1, -255]]), mode).effective_weight.tolist() == [[-1, -255]]


def test_a_synapse_whose_weight_is_truncated_to_zero_does_not_count():
    assert Connection(np.array([[1, -4, 2, 0]]), "mixed").n_synapses == 2
    assert Connection(np.array([[1, -4, 2, 0]]), "split").n_synapses == 3


@pytest.mark.parametrize(
    "weight, delay, message",
    [
        (np.zeros((2, 2)), None, "weight: found type float64"),
        (np.zeros(3, int), None, "weight: found shape"),
        (np.zeros((0, 3), int), None, "weight: found shape"),
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "delay: found shape"),
        (np.zeros((1, 2), int), np.array([[0, 63]]), r"delay: found 63 at \(0, 1\)"),
        (np.zeros((1, 2), int), np.array([[-1, 0]]), "delay: found -1"),
    ],
)
def test_a_connection_that_cannot_be_is_refused(weight, delay, message):
    with pytest.raises(ParameterError, match=message):
        Connection(weight, delay=delay)


def test_an_unknown_sign_mode_is_refused():
    with pytest.raises(ParameterError, match="sign_mode: found 'both'"):
        Connection(np.array([[1]]), "both")


def test_groups_follow_one_another():
    layer = Layer("a", 5, NEURON, groups=(Group("x", 2), Group("y", 3)))
    assert layer.group_slices() == {"x": slice(0, 2), "y": slice(2, 5)}
    assert Layer("a", 5, NEURON).group_slices() == {"a": slice(0, 5)}
    with pytest.raises(ParameterError, match="groups: found 4 neurons in all, expected 5"):
        Layer("a", 5, NEURON, groups=(Group("x", 2), Group("y", 2)))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"inputs": Connection(np.ones((2, 4), int))}, "weight: found 2 rows, expected 3"),
        ({"recurrent": Connection(np.ones((3, 2), int))}, "weight_rec: found shape"),
        ({"neuron": FixedAHPParameters(dv=np.array([1, 2]))}, "layer 'a': neuron parameters"),
    ],
)
def test_a_layer_whose_parts_do_not_fit_is_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Layer(**({"name": "a", "n_neurons": 3, "neuron": NEURON} | arguments))


def chain(*sizes, **options):
    layers = [
        Layer(f"l{i}", n, NEURON, Connection(np.ones((n, before), int)))
        for i, (before, n) in enumerate(zip(sizes, sizes[1:]))
    ]
    return NetworkSpec(tuple(layers), **options)


def test_sizes_of_a_chain():
    net = chain(4, 3, 2)
    assert (net.n_inputs, net.n_outputs) == (4, 2)
    assert net.layer("l1").n_neurons == 2
    with pytest.raises(ParameterError, match="layer: found 'l9'"):
        net.layer("l9")


def test_only_a_readout_by_voltage_is_not_hidden():
    assert [layer.name for layer in chain(4, 3, 2).hidden] == ["l0", "l1"]
    assert [layer.name for layer in chain(4, 3, 2, readout="voltage").hidden] == ["l0"]


def test_layers_that_do_not_fit_each_other_are_refused():
    a, b = chain(4, 3, 2).layers
    with pytest.raises(ParameterError, match="found 3 columns, expected 2"):
        NetworkSpec((b, replace(b, name="c")))
    with pytest.raises(ParameterError, match="no name twice"):
        NetworkSpec((a, replace(b, name="l0")))
    with pytest.raises(ParameterError, match="only the first layer"):
        NetworkSpec((a, Layer("direct", 3, NEURON)))
    with pytest.raises(ParameterError, match="layers: found none"):
        NetworkSpec(())
    with pytest.raises(ParameterError, match="readout: found 'loud'"):
        NetworkSpec((a,), readout="loud")


def test_class_names_are_as_many_as_outputs():
    with pytest.raises(ParameterError, match="class_names: found 3, expected 2"):
        chain(4, 2, metadata=Metadata(class_names=("a", "b", "c")))


def test_input_transform_rounds_to_even_as_numpy_does():
    assert InputTransform(64, 1)([0.5, 1, 1 / 128]).tolist() == [33, 65, 2]


def test_the_network_of_the_tests_is_one_of_digits():
    net = digits_network()
    assert (net.n_inputs, net.n_outputs, net.metadata.task) == (34, 10, "digits")


def test_a_fingerprint_tells_what_computes_differently_and_not_what_is_called_so():
    network = digits_network()
    hidden, readout = network.layers
    weight = hidden.inputs.weight.copy()
    weight[3, 4] += 1
    slower = np.where(np.arange(11) == 7, 21, 20)
    delay = np.zeros_like(weight)
    delay[0, 0] = 1

    def with_hidden(**changes):
        return replace(network, layers=(replace(hidden, **changes), readout))

    same = (
        replace(network, metadata=Metadata(task="other")),
        with_hidden(name="else"),
        with_hidden(inputs=replace(hidden.inputs, delay=np.zeros_like(weight))),
        with_hidden(neuron=hidden.neuron.broadcast(11)),
    )
    different = (
        with_hidden(inputs=replace(hidden.inputs, weight=weight)),
        with_hidden(inputs=replace(hidden.inputs, delay=delay)),
        with_hidden(neuron=replace(hidden.neuron, da=slower)),
        with_hidden(recurrent=None),
        replace(network, readout="spikes"),
    )
    assert {n.fingerprint() for n in same} == {network.fingerprint()}
    assert len({n.fingerprint() for n in (network, *different)}) == 1 + len(different)
