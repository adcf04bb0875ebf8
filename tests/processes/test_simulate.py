"""Networks in Lava's simulator against the engine; nothing stays behind, nothing leaks."""

import multiprocessing
import os

import networks
import numpy as np
import pytest

pytest.importorskip("lava.magma")

from lava_ahp.engine import reference, simulate  # noqa: E402
from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.network import Connection, Layer, NetworkSpec  # noqa: E402
from lava_ahp.neuron import VTH_MAX, FixedAHPParameters  # noqa: E402
from lava_ahp.processes import simulate_on_lava  # noqa: E402

N_STEPS = 15


def connection(rng, targets, sources, delays=None, n_signs=4):
    weight = rng.integers(-255, 256, (targets, sources))
    weight[rng.random(weight.shape) < rng.uniform(0, 0.7)] = 0
    # Now and then a matrix of one sign, in which no bit is dropped.
    weight = [abs(weight), weight, weight, -abs(weight)][rng.integers(n_signs)]
    delays = rng.random() < 0.5 if delays is None else delays
    delay = rng.integers(0, 5, weight.shape) if delays else None
    return Connection(weight, str(rng.choice(["mixed", "split"])), delay)


def neurons(rng, n):
    return FixedAHPParameters(
        du=rng.integers(1000, 4096, n),
        dv=rng.integers(0, 600, n),
        da=rng.integers(0, 300, n),
        vth=rng.integers(0, 600, n),
        ahp_mant=rng.integers(0, 256, n) * (rng.random(n) < 0.6),
        ahp_exp=rng.integers(-6, 2, n),
        in_exp=rng.integers(-2, 3, n),
        refractory_period=rng.integers(0, 4, n),
        bias_mant=rng.integers(-300, 2000, n),
        bias_exp=rng.integers(-2, 4, n),
    )


def random_network(rng, delays=None):
    """A recurrent layer, a layer of either kind, and a readout of either kind."""
    n_inputs, first, second, last = rng.integers(2, 7, 4)
    maybe = connection(rng, second, second, delays) if rng.random() < 0.5 else None
    voltage = rng.random() < 0.7
    readout = FixedAHPParameters(
        du=int(rng.integers(0, 4096)), dv=int(rng.integers(0, 50)), vth=VTH_MAX if voltage else 300
    )
    return NetworkSpec(
        layers=(
            Layer(
                "one",
                first,
                neurons(rng, first),
                connection(rng, first, n_inputs, delays, 2),
                connection(rng, first, first, delays),
            ),
            Layer(
                "two", second, neurons(rng, second), connection(rng, second, first, delays), maybe
            ),
            Layer("out", last, readout, connection(rng, last, second, delays)),
        ),
        readout="voltage" if voltage else "spikes",
    )


def random_spikes(rng, network, batch=2):
    return (rng.random((batch, N_STEPS, network.n_inputs)) < 0.4).astype(int)


def assert_equal(got, expected):
    np.testing.assert_array_equal(got.output, expected.output)
    for kind in ("spike_counts", "spikes", "u", "v", "a"):
        assert getattr(got, kind).keys() == getattr(expected, kind).keys()
        for layer, values in getattr(expected, kind).items():
            np.testing.assert_array_equal(getattr(got, kind)[layer], values, f"{kind} of {layer}")
    assert got.n_steps == expected.n_steps


def wild_network(seed):
    """A network with parameters to the edges of their ranges that fires, and input for it."""
    for number in range(seed, seed + 1000):
        rng = np.random.default_rng(number)
        network = networks.random_network(rng, n_layers=3)
        x = networks.random_input(rng, network, 2, 75)
        found = simulate(network, x).operations
        edges = sum(found.wraps.values()) and sum(found.saturations.values())
        if edges and 10 < found.spikes["layer0"] < 0.5 * found.neuron_updates["layer0"]:
            return network, x
    raise AssertionError("no network wraps, saturates and fires")


@pytest.mark.parametrize("two_compartments", [False, True])
@pytest.mark.parametrize("seed", [0, 1000])
def test_spikes_and_states_equal_those_of_the_engine_and_of_numpy(seed, two_compartments):
    network, x = wild_network(seed + 2000 * two_compartments)
    record = ("spikes", "u", "v", "a")
    expected = simulate(network, x, record)
    assert_equal(expected, reference.simulate(network, x, record))
    options = {"record": record, "two_compartments": two_compartments}
    assert_equal(simulate_on_lava(network, x, x.shape[1], **options), expected)


@pytest.mark.parametrize("delays", [False, True])
def test_a_sample_leaks_nothing_into_the_next(delays):
    rng = np.random.default_rng(11 + delays)
    network = random_network(rng, delays)
    # The last steps are full of spikes, which are on their way when the sample ends.
    x = random_spikes(rng, network)
    x[0, -5:] = 1
    both = simulate_on_lava(network, x, N_STEPS, record=("v",))
    alone = simulate_on_lava(network, x[1:], N_STEPS, record=("v",))
    for layer in network.layers:
        assert both.v[layer.name][0].any()
        np.testing.assert_array_equal(both.v[layer.name][1], alone.v[layer.name][0])
    np.testing.assert_array_equal(both.output[1], alone.output[0])


def test_input_that_enters_neurons_directly_acts_in_its_step_after_a_reset_too():
    rng = np.random.default_rng(2)
    n = 5
    network = NetworkSpec(
        layers=(
            Layer("in", n, neurons(rng, n), None, connection(rng, n, n)),
            Layer("out", 2, FixedAHPParameters(vth=VTH_MAX), connection(rng, 2, n)),
        ),
        readout="voltage",
    )
    x = rng.integers(-100, 400, (3, N_STEPS, n))
    assert_equal(
        simulate_on_lava(network, x, N_STEPS, record=("v", "spikes")),
        simulate(network, x, record=("v", "spikes")),
    )


def test_graded_input_counts_as_multiples_of_the_weight():
    rng = np.random.default_rng(4)
    network = NetworkSpec(
        layers=(Layer("a", 4, FixedAHPParameters(vth=900, dv=100), connection(rng, 4, 3)),),
        graded_input=True,
    )
    x = rng.integers(-3, 6, (2, N_STEPS, 3))
    record = ("u", "v")
    assert_equal(simulate_on_lava(network, x, N_STEPS, record), simulate(network, x, record))


def test_regular_neurons_count_without_a_reset_between_samples_of_one():
    network = NetworkSpec(
        layers=(Layer("a", 1, FixedAHPParameters(vth=10, du=4095), Connection(np.array([[20]]))),)
    )
    got = simulate_on_lava(network, np.ones((1, 6, 1), int), 6)
    # Spikes of step t act in step t + 1.
    assert got.output.tolist() == [[5]]


def small_network():
    rng = np.random.default_rng(0)
    return NetworkSpec(layers=(Layer("a", 3, neurons(rng, 3), connection(rng, 3, 2)),))


def test_progress_hears_of_every_sample():
    heard = []
    simulate_on_lava(small_network(), np.ones((3, 4, 2), int), 4, progress=heard.append)
    assert heard == [1, 2, 3]


@pytest.mark.parametrize(
    "samples, message",
    [
        ([np.zeros((4, 2), int), np.zeros((5, 2), int)], "sample 1: found 5 steps, expected 4"),
        ([np.zeros((4, 3), int)], r"sample 0: spikes: found shape \(4, 3\), expected \(time, 2\)"),
        ([np.full((4, 2), 2)], "sample 0: spikes: found values from 2 to 2, expected 0 or 1"),
        ([np.zeros((4, 2))], "sample 0: spikes: found type float64"),
    ],
    ids=range(4),
)
def test_a_wrong_sample_ends_the_run_and_leaves_no_process(samples, message):
    with pytest.raises(ParameterError, match=message):
        simulate_on_lava(small_network(), samples, 4)
    assert multiprocessing.active_children() == []


class Failing:
    """A sequence that fails, or whose process dies, at its second sample."""

    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            self.fail()
        return np.zeros((4, 2), int)


def test_an_error_inside_lava_is_the_cause_and_leaves_no_process():
    def fail():
        raise KeyError("no such image")

    with pytest.raises(RuntimeError, match="no such image") as caught:
        simulate_on_lava(small_network(), Failing(fail), 4)
    assert isinstance(caught.value.__cause__, KeyError)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_ends_the_run():
    with pytest.raises(RuntimeError, match="ended before the run did"):
        simulate_on_lava(small_network(), Failing(lambda: os._exit(1)), 4)
    assert multiprocessing.active_children() == []


def test_an_interrupt_leaves_no_process():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_on_lava(small_network(), np.zeros((2, 4, 2), int), 4, progress=interrupt)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n_steps": 0}, "n_steps: found 0"),
        ({"record": ("x",)}, "record: found 'x'"),
        ({"samples": []}, "number of samples: found 0"),
    ],
    ids=range(3),
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        simulate_on_lava(
            **{"network": small_network(), "samples": [np.zeros((4, 2), int)], "n_steps": 4}
            | arguments
        )
