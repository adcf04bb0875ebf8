"""Counts of runs: how they add up."""

import json
from dataclasses import replace

import pytest

from lava_ahp.engine import Operations
from lava_ahp.errors import ParameterError

ONE = Operations(
    n_samples=2,
    n_steps=20,
    input_spikes=3,
    spikes={"a": 5, "b": 0},
    synaptic_events={"a.weight": 50, "a.weight_rec": 7, "b.weight": 1},
    neuron_updates={"a": 80, "b": 20},
    wraps={"a": 0, "b": 1},
    saturations={"a": 2, "b": 0},
    v_min={"a": -5, "b": 0},
    v_max={"a": 9, "b": 3},
)


def test_counts_add_and_the_range_of_voltages_spans_both():
    both = ONE + replace(ONE, n_samples=1, v_min={"a": -4, "b": -1}, v_max={"a": 10, "b": 2})
    assert (both.n_samples, both.n_steps, both.input_spikes) == (3, 40, 6)
    assert both.spikes == {"a": 10, "b": 0}
    assert both.synaptic_events == {"a.weight": 100, "a.weight_rec": 14, "b.weight": 2}
    assert both.neuron_updates == {"a": 160, "b": 40}
    assert (both.wraps, both.saturations) == ({"a": 0, "b": 2}, {"a": 4, "b": 0})
    assert (both.v_min, both.v_max) == ({"a": -5, "b": -1}, {"a": 10, "b": 3})


def test_counts_of_different_networks_do_not_add():
    with pytest.raises(ParameterError, match=r"spikes: found counts of \['a', 'b'\] and of \['a'\]"):
        ONE + replace(ONE, spikes={"a": 5})
    with pytest.raises(TypeError):
        ONE + 1


def test_counts_go_through_json():
    assert Operations(**json.loads(json.dumps(ONE.to_dict()))) == ONE
