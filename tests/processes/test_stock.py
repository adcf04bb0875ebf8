"""A network of stock Processes does in Lava what is said of it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from networks import mild_digits_network

pytest.importorskip("lava.magma")

from lava_ahp.engine import simulate  # noqa: E402
from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.network import Connection, Layer, NetworkSpec  # noqa: E402
from lava_ahp.neuron import VTH_MAX, FixedAHPParameters  # noqa: E402
from lava_ahp.processes import simulate_stock  # noqa: E402


def spikes_of(random, n_samples, n_steps, n_inputs, rate=0.3):
    return (random.random((n_samples, n_steps, n_inputs)) < rate).astype(np.uint8)


@pytest.mark.parametrize("delayed", [False, True])
def test_without_a_leak_of_the_voltage_the_stock_form_is_the_network_in_every_spike(delayed):
    # Nothing is rounded then but the AHP current, whose loop is exact: several samples tell
    # that nothing leaks from one into the next.
    random = np.random.default_rng(3)
    n = 9
    neuron = FixedAHPParameters(
        du=4095,
        dv=0,
        da=random.integers(50, 900, n),
        vth=64,
        ahp_mant=np.where(np.arange(n) < 6, random.integers(1, 256, n), 0),
        ahp_exp=-5,
        bias_mant=random.integers(-30, 30, n),
    )
    delay = random.integers(0, 3, (n, 5)) if delayed else None
    layer = Layer(
        "hidden",
        n,
        neuron,
        Connection(random.integers(-20, 60, (n, 5)), "split", delay),
        Connection(random.integers(-40, 40, (n, n)), "mixed"),
    )
    readout = FixedAHPParameters(du=4095, dv=10, vth=VTH_MAX)
    out = Layer("out", 3, readout, Connection(random.integers(-90, 90, (3, n)), "split"))
    network = NetworkSpec((layer, out), readout="voltage")
    inputs = spikes_of(random, 3, 40, 5)
    expected = simulate(network, inputs, record=("spikes", "a"))
    found = simulate_stock(network, inputs, 40, record=("spikes",))
    assert expected.a["hidden"].min() < -1000 and expected.spikes["hidden"].mean() > 0.05
    assert np.array_equal(found.spikes["hidden"], expected.spikes["hidden"])
    assert np.array_equal(found.spike_counts["hidden"], expected.spike_counts["hidden"])
    assert np.array_equal(found.output, expected.output)


def test_the_study_computes_what_lava_computes():
    path = Path(__file__).parents[2] / "benchmarks" / "stock_forms.py"
    spec = importlib.util.spec_from_file_location("stock_forms", path)
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    network = mild_digits_network()
    inputs = spikes_of(np.random.default_rng(0), 2, 30, 34, rate=0.1)
    spikes, predictions = study.run(network, inputs, study.ProductLoop(network, 2))
    found = simulate_stock(network, inputs, 30, record=("spikes",))
    assert spikes.sum() > 50
    assert np.array_equal(found.spikes["hidden"], spikes)
    assert np.array_equal(found.predictions, predictions)


def test_states_of_stock_neurons_are_not_given_for_those_of_ahp_neurons():
    with pytest.raises(ParameterError, match="record: found .* expected only 'spikes'"):
        simulate_stock(mild_digits_network(), np.zeros((1, 4, 34), int), 4, record=("v",))
