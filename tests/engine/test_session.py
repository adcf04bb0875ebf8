"""A network that runs on: its state, its shapes, what it refuses."""

import io

import numpy as np
import pytest
from networks import digits_network, random_input, random_network

from lava_ahp.engine import Session, simulate
from lava_ahp.errors import ParameterError


@pytest.fixture
def session():
    return Session(digits_network())


@pytest.mark.parametrize("seed", range(8))
def test_a_state_kept_in_a_file_goes_on_in_another_session(seed):
    random = np.random.default_rng(seed)
    network = random_network(random)
    spikes = random_input(random, network, 1, 50)
    first, file = Session(network), io.BytesIO()
    first.step(spikes[0, :20])
    np.savez(file, **first.state)
    first.step(spikes[0, 20:30])
    file.seek(0)
    other = Session(network)
    other.state = dict(np.load(file))
    found = other.step(spikes[0, 20:], record=("v",))
    expected = simulate(network, spikes, record=("v",))
    np.testing.assert_array_equal(found.output, expected.output[0])
    assert found.n_steps == 50 and other.operations == expected.operations
    for layer in network.layers:
        np.testing.assert_array_equal(found.v[layer.name], expected.v[layer.name][0, 20:])


def test_a_state_is_a_copy(session):
    rest = session.state
    session.step(np.ones((30, 34), int))
    assert not any(array.any() for array in rest.values())
    session.state = rest
    assert session.n_steps == 0 and session.operations.input_spikes == 0


def test_results_have_no_axis_of_samples_and_those_of_one_step_none_of_time(session):
    block = session.step(np.ones((5, 34), bool), record=("spikes", "u"))
    assert block.output.shape == (10,) and block.spike_counts["hidden"].shape == (11,)
    assert block.spikes["hidden"].shape == (5, 11) and block.v == {}
    step = session.step(np.ones(34, bool), record=("u",))
    assert step.u["readout"].shape == (10,) and step.n_steps == 6
    assert step.predictions == np.argmax(step.output)


def test_results_stay_as_they_are_when_the_session_goes_on(session):
    first = session.step(np.ones((20, 34), int), record=("v",))
    kept = [first.output.copy(), first.spike_counts["hidden"].copy(), first.v["hidden"].copy()]
    session.step(np.ones((20, 34), int))
    for before, after in zip(kept, (first.output, first.spike_counts["hidden"], first.v["hidden"])):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "spikes, message",
    [
        (np.zeros(33, int), r"spikes: found shape \(33,\), expected \(34\)"),
        (np.zeros((2, 33), int), r"found shape \(2, 33\), expected \(time, 34\)"),
        (np.zeros((1, 2, 34), int), r"found shape \(1, 2, 34\), expected \(time, 34\)"),
        (np.zeros(34), "found type float64"),
        (np.full(34, 2), "found values from 2 to 2"),
    ],
)
def test_input_that_is_no_spikes_is_refused_and_leaves_the_state(session, spikes, message):
    with pytest.raises(ParameterError, match=message):
        session.step(spikes)
    assert session.n_steps == 0


def test_a_state_of_another_network_is_refused_as_a_whole(session):
    other = Session(digits_network(regular=7))
    other.step(np.ones((3, 34), int))
    with pytest.raises(ParameterError, match=r"u: found shape \(1, 22\) of int32, expected shape \(1, 21\)"):
        session.state = other.state
    with pytest.raises(ParameterError, match="state: found .* expected .*'v_max'"):
        session.state = {"v": np.zeros(3)}
    with pytest.raises(ParameterError, match="state: v: found shape .* of float64"):
        session.state = {**session.state, "v": session.state["v"].astype(float)}
    assert not any(array.any() for array in session.state.values())
