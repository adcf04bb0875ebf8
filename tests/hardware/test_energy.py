"""Energies are counts times published figures, and agree with what was measured."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import digits_network

from lava_ahp import cost
from lava_ahp.engine import simulate
from lava_ahp.errors import ParameterError
from lava_ahp.hardware import place
from lava_ahp.hardware.energy import estimate
from lava_ahp.hardware.neurobench import metrics
from lava_ahp.interop import nxsdk
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.tasks import digits

QUANTITIES = ("core_dynamic_J", "core_static_J", "core_J", "total_J", "seconds", "edp_Js")


def two_neurons():
    """An AHP neuron that two channels drive, and a regular one that it drives."""
    neuron = FixedAHPParameters(du=4095, dv=100, da=10, ahp_mant=9, vth=64)
    return NetworkSpec(
        (
            Layer("a", 1, neuron, Connection(np.array([[50, 60]]))),
            Layer("b", 1, FixedAHPParameters(du=4095, vth=64), Connection(np.array([[70]]))),
        )
    )


def test_the_estimate_is_the_sum_that_a_person_would_write_down():
    placed = place(two_neurons(), rates={"a": 0.25, "b": 0.125}, input_rate=0.5)
    found = estimate(placed, n_steps=1000).core_dynamic_J
    # A step: 2 channels at 0.5, a to b, a to its auxiliary compartment; three compartments.
    events = 2 * 0.5 + 0.25 + 0.25
    active = 0.25 + 0.125
    picojoules = events * 23.6 + active * 81 + (3 - active) * 52 + events * 1.7
    assert found.estimate == pytest.approx(1000 * picojoules * 1e-12)
    assert found.low == pytest.approx(1000 * (events * (23.6 + 1.7) + 3 * 52) * 1e-12 / 1.5)
    assert found.high == pytest.approx(1000 * (events * (23.6 + 1.7) + 3 * 81) * 1e-12 * 1.5)


def test_time_is_the_measured_step_or_the_busiest_core_where_that_takes_longer():
    quiet = estimate(place(two_neurons()), 840).seconds
    assert quiet.estimate == pytest.approx(14.0e-3)
    assert quiet.low < 840 * 1e-6
    # 20,000 events of 3.5 ns in a step are 70 us
    neuron = FixedAHPParameters(du=4095, vth=64)
    busy = NetworkSpec((Layer("a", 200, neuron, Connection(np.ones((200, 100), int))),))
    found = estimate(place(busy, rates=1.0, input_rate=1.0), 1).seconds
    assert found.estimate == pytest.approx(200 * 100 * 3.5e-9 + 200 * 8.4e-9 + 465e-9)


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.5])
def test_intervals_hold_their_estimates_and_sums_add_up(rate):
    found = estimate(place(digits_network(), rates=rate, input_rate=rate), 72)
    for name in QUANTITIES:
        quantity = getattr(found, name)
        assert 0 < quantity.low <= quantity.estimate <= quantity.high
        assert quantity.basis
    for end in ("estimate", "low", "high"):
        parts = getattr(found.core_dynamic_J, end) + getattr(found.core_static_J, end)
        assert getattr(found.core_J, end) == pytest.approx(parts)
        product = getattr(found.total_J, end) * getattr(found.seconds, end)
        assert getattr(found.edp_Js, end) == pytest.approx(product)


def test_no_energy_is_claimed_for_a_chip_without_published_figures():
    with pytest.raises(ParameterError, match="target: found 'loihi2', expected 'loihi1'"):
        estimate(place(digits_network(), "loihi2"), 72)


def test_placed_activity_counts_what_the_engine_counts():
    network = digits_network()
    report = cost.energy(network, limit=6)
    n_steps = report.n_steps * 6
    result = simulate(network, digits.load("test").first(6).spikes[0:6])
    ahp_spikes = result.spike_counts["hidden"][:, 6:].sum()
    counted = sum(report.operations.synaptic_events.values()) + ahp_spikes
    assert ahp_spikes > 0
    assert report.placement.synaptic_events.sum() * n_steps == pytest.approx(counted)
    assert report.placement.spikes.sum() * n_steps == pytest.approx(
        sum(report.operations.spikes.values())
    )


def intels_network():
    data = os.environ.get("LAVA_AHP_DATA")
    if not data:
        pytest.skip("needs LAVA_AHP_DATA")
    return nxsdk.read(Path(data) / "nxsdk_lsnn_seqmnist"), data


def test_intels_network_comes_out_as_it_was_measured():
    network, data = intels_network()
    report = cost.energy(network, data, "validation", limit=32)
    for name in QUANTITIES:
        quantity = getattr(report.energy, name)
        assert quantity.low <= quantity.measured <= quantity.high, name
        # from published constants for the neurocores, with a measured time for the rest
        assert 1 / 1.5 < quantity.estimate / quantity.measured < 1.5, name
    assert report.energy.core_dynamic_J.measured == pytest.approx(0.022e-3, rel=0.01)
    assert 500_000 < sum(report.operations.synaptic_events.values()) / 32 < 800_000


def test_a_network_that_was_not_measured_has_no_measurement():
    network, _ = intels_network()
    layer = network.layers[0]
    weight = layer.inputs.weight.copy()
    weight[0, 0] += 1
    changed = replace(layer, inputs=replace(layer.inputs, weight=weight))
    other = replace(network, layers=(changed, *network.layers[1:]))
    assert other.fingerprint() != network.fingerprint()
    assert "measured" not in cost.energy(digits_network(), limit=2).to_dict()["total_J"]


def test_neurobench_metrics_are_those_of_its_definitions():
    network = digits_network()
    inputs = digits.load("test").first(3).spikes[0:3]
    result = simulate(network, inputs, record=("spikes",))
    found = metrics(network, result.operations)
    hidden, readout = network.layers
    weights = [hidden.inputs.weight, hidden.recurrent.weight, readout.inputs.weight]
    n_weights = sum(w.size for w in weights)
    spikes = result.spikes["hidden"]
    n_zeros = sum((w == 0).sum() for w in weights)
    assert found["connection_sparsity"] == pytest.approx(n_zeros / n_weights)
    assert found["activation_sparsity"] == pytest.approx((spikes == 0).mean())
    sent = [inputs, spikes, spikes]
    naive = sum(int(np.count_nonzero(w, axis=0) @ s.sum(axis=(0, 1))) for w, s in zip(weights, sent))
    assert found["synaptic_operations"] == {
        "Effective_MACs": 0,
        "Effective_ACs": pytest.approx(naive / 3),
        "Dense": n_weights * 72,
    }
    assert found["footprint"] == n_weights + 4 * (11 + 10) * (3 + 10)
