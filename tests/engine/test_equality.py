"""The compiled engine against the NumPy step and against itself, in every bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import digits_network, random_input, random_network

from lava_ahp.engine import Session, reference, simulate, stream
from lava_ahp.engine.layout import lay_out
from lava_ahp.engine.result import RECORDABLE

EVERYTHING = tuple(RECORDABLE)


def assert_equal(one, other):
    np.testing.assert_array_equal(one.output, other.output)
    assert one.n_steps == other.n_steps
    for kind in ("spike_counts", *EVERYTHING):
        assert getattr(one, kind).keys() == getattr(other, kind).keys()
        for layer, values in getattr(other, kind).items():
            np.testing.assert_array_equal(getattr(one, kind)[layer], values, f"{kind} of {layer}")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_spike_and_state_is_that_of_the_numpy_step(seed):
    random = np.random.default_rng(seed)
    network = random_network(random, largest=int(random.choice([4, 30])))
    spikes = random_input(random, network, 3, int(random.integers(1, 100)))
    found = simulate(network, spikes, EVERYTHING, n_threads=1)
    assert_equal(found, reference.simulate(network, spikes, EVERYTHING))


def test_the_networks_of_the_test_above_reach_the_edges():
    """They fire, saturate, wrap around, rest, adapt, and send with every delay."""
    reached = dict.fromkeys(
        ("fires", "wraps", "saturates", "delays", "adapts", "integers", "direct", "sparse", "rows"), 0
    )
    for seed in range(60):
        random = np.random.default_rng(seed)
        network = random_network(random, largest=int(random.choice([4, 30])))
        spikes = random_input(random, network, 3, int(random.integers(1, 100)))
        found = simulate(network, spikes, ("a",), n_threads=1)
        operations, layout = found.operations, lay_out(network)
        reached["fires"] += sum(operations.spikes.values()) > 0
        reached["wraps"] += sum(operations.wraps.values()) > 0
        reached["saturates"] += sum(operations.saturations.values()) > 0
        reached["delays"] += layout.n_slots > 10
        reached["adapts"] += any((a < 0).any() for a in found.a.values())
        reached["integers"] += network.graded_input
        reached["direct"] += layout.direct
        reached["sparse"] += len(layout.synapses.weight) > 0
        reached["rows"] += len(layout.synapses.row) > 0
    assert min(reached.values()) >= 5, reached


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_session_in_pieces_gives_the_bits_of_a_whole_run(seed):
    random = np.random.default_rng(seed)
    network = random_network(random)
    n_steps = int(random.integers(1, 80))
    spikes = random_input(random, network, 1, n_steps)
    whole = simulate(network, spikes, EVERYTHING)
    cuts = np.sort(random.integers(0, n_steps + 1, 4))
    session = Session(network)
    session.step(random_input(random, network, 1, 9)[0])
    session.reset()
    pieces = [session.step(piece, EVERYTHING) for piece in np.split(spikes[0], cuts)]
    np.testing.assert_array_equal(pieces[-1].output, whole.output[0])
    assert pieces[-1].n_steps == n_steps and session.operations == whole.operations
    for name in EVERYTHING:
        for layer in network.layers:
            values = np.concatenate([getattr(piece, name)[layer.name] for piece in pieces])
            np.testing.assert_array_equal(values, getattr(whole, name)[layer.name][0])


@pytest.fixture(scope="module")
def digits():
    """A network and 23 samples for it, and what the engine makes of them on one thread."""
    network = digits_network(1)
    spikes = np.random.default_rng(0).integers(0, 2, (23, 40, 34)).astype(np.uint8)
    return network, spikes, simulate(network, spikes, EVERYTHING, n_threads=1)


@pytest.mark.parametrize("n_threads", [2, 3, 8])
@pytest.mark.parametrize("batch_size", [1, 5, 23, 64])
def test_threads_and_batches_change_no_bit_and_no_count(digits, n_threads, batch_size):
    network, spikes, expected = digits
    found = simulate(network, spikes, EVERYTHING, batch_size, n_threads)
    assert_equal(found, expected)
    assert found.operations == expected.operations


@pytest.mark.parametrize("kind", [list, iter, lambda spikes: (s.tolist() for s in spikes)])
def test_samples_may_come_in_any_iterable(digits, kind):
    network, spikes, expected = digits
    assert_equal(simulate(network, kind(spikes), EVERYTHING, batch_size=10), expected)


def test_arrays_may_lie_in_memory_in_any_way(digits):
    network, spikes, expected = digits
    frozen = spikes.copy()
    frozen.flags.writeable = False
    for values in (np.asfortranarray(spikes), frozen, np.repeat(spikes, 2, axis=1)[:, ::2]):
        assert_equal(simulate(network, values, EVERYTHING), expected)


def test_a_stream_gives_batches_in_order_and_takes_samples_as_it_goes(digits):
    network, spikes, expected = digits
    taken = []

    def samples():
        for index, sample in enumerate(spikes):
            taken.append(index)
            yield sample

    results = stream(network, samples(), batch_size=4)
    first = next(results)
    assert len(taken) <= 8, "more than two batches are held"
    np.testing.assert_array_equal(first.output, expected.output[:4])
    outputs = [first.output, *(result.output for result in results)]
    assert [len(output) for output in outputs] == [4, 4, 4, 4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(outputs), expected.output)


def test_long_runs_are_cut_where_interrupts_get_through(digits, monkeypatch):
    network, spikes, expected = digits
    monkeypatch.setattr("lava_ahp.engine.machine.UPDATES_PER_CALL", 500)
    assert_equal(simulate(network, spikes, EVERYTHING), expected)


def test_sums_of_64_bits_wrap_as_those_of_the_numpy_step():
    """Graded input as large as it may be, onto weights and exponents as large as they may be."""
    random = np.random.default_rng(3)
    network = replace(random_network(random, n_layers=2, direct=False), graded_input=True)
    spikes = random.integers(-(2**31), 2**31, (2, 30, network.n_inputs))
    found = simulate(network, spikes, EVERYTHING)
    assert sum(found.operations.wraps.values()) > 0
    assert_equal(found, reference.simulate(network, spikes, EVERYTHING))
