"""The demonstration finds agreement where there is, and a difference where there is one."""

import os
from dataclasses import replace

import numpy as np
import pytest
from networks import digits_network

from lava_ahp.comparison import COMPARED, compare
from lava_ahp.demo import demo
from lava_ahp.engine import simulate
from lava_ahp.errors import ParameterError
from lava_ahp.tasks import digits


@pytest.fixture(scope="module")
def network():
    return digits_network()


def recorded(network, n=2):
    spikes = digits.load("test").first(n).spikes[0:n]
    return simulate(network, spikes, record=COMPARED)


def test_equal_runs_have_no_difference_and_every_value_counts(network):
    found = compare(recorded(network), recorded(network))
    # 4 quantities of 11 + 10 neurons over 72 steps, and 10 outputs, of 2 samples
    assert found.n_values == 2 * (4 * 72 * 21 + 10)
    assert (found.n_differences, found.first) == (0, None)


@pytest.mark.parametrize("name", ["spikes", "u", "v", "a"])
def test_one_bit_of_difference_is_found_and_placed(network, name):
    one, other = recorded(network), recorded(network)
    values = getattr(other, name)["hidden"]
    values[1, 30, 7] ^= 1
    found = compare(one, other)
    assert found.n_differences == 1
    a, b = int(getattr(one, name)["hidden"][1, 30, 7]), int(values[1, 30, 7])
    assert str(found.first) == f"{name} of hidden, sample 1, step 30, neuron 7: {a} and {b}"


def test_a_difference_of_the_output_is_found(network):
    one = recorded(network)
    other = replace(one, output=one.output + np.eye(2, 10, dtype=np.int64))
    found = compare(one, other)
    assert found.n_differences == 2
    assert str(found.first).startswith("output of readout, sample 0, neuron 0: ")


def test_the_first_difference_is_that_of_the_earliest_step(network):
    one, other = recorded(network), recorded(network)
    other.spikes["readout"][0, 50, 3] ^= 1
    other.v["hidden"][1, 2, 4] ^= 1
    other.v["readout"][0, 20, 9] ^= 1
    other.a["hidden"][0, 20, 5] ^= 1
    first = compare(one, other).first
    assert (first.sample, first.step, first.layer, first.variable) == (0, 20, "hidden", "a")
    assert first.neuron == 5


@pytest.fixture(scope="module")
def shown(network, tmp_path_factory):
    pytest.importorskip("lava.magma")
    told = []
    out = tmp_path_factory.mktemp("demo") / "new" / "picture.png"
    found = demo(network, out, n_samples=2, progress=lambda *what: told.append(what))
    return found, told


def test_lava_and_the_engine_agree_in_every_bit(shown):
    found, _ = shown
    assert found.comparison.n_values == 2 * (4 * 72 * 21 + 10)
    assert found.comparison.n_differences == 0, found.comparison.first
    assert found.lava.spike_counts["hidden"].sum() > 0


def test_the_demonstration_measures_the_whole_test_split(shown):
    found, told = shown
    assert found.evaluation.n == 179 and found.evaluation.backend == "engine"
    assert found.n_correct == np.sum(found.lava.predictions == digits.load("test").labels[:2])
    assert found.lava_seconds_per_step > 0 and found.engine_seconds_per_step > 0
    assert found.speed_ratio == found.lava_seconds_per_step / found.engine_seconds_per_step
    assert ("Lava, recording every step", 2, 2) in told


def test_the_picture_is_written(shown):
    found, _ = shown
    assert found.picture.read_bytes().startswith(b"\x89PNG")
    assert os.listdir(found.picture.parent) == ["picture.png"]


def test_an_error_leaves_no_picture(network, tmp_path):
    pytest.importorskip("lava.magma")
    with pytest.raises(ParameterError, match="n_samples: found 0"):
        demo(network, tmp_path / "a.png", n_samples=0)
    with pytest.raises(OSError):
        demo(network, tmp_path, n_samples=1)
    assert os.listdir(tmp_path) == []


def test_a_missing_lava_is_named_with_the_extra_that_brings_it(network, tmp_path, monkeypatch):
    from lava_ahp.errors import MissingExtraError

    monkeypatch.setattr("lava_ahp.errors.find_spec", lambda name: None)
    monkeypatch.delitem(__import__("sys").modules, "lava_ahp.processes", raising=False)
    with pytest.raises(MissingExtraError, match=r"lava-nc, .* pip install 'lava-ahp\[lava\]'"):
        demo(network, tmp_path / "a.png")
