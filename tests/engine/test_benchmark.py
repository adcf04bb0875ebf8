"""The engine's benchmark measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "engine.py"


def measure(name):
    command = [sys.executable, str(SCRIPT), "--measure", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_network_fires_in_five_percent_of_the_steps_and_a_step_takes_microseconds():
    found = measure("engine")
    assert abs(found["firing_rate"] - 0.05) < 0.0025
    assert 1e-8 < found["seconds"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lava", "lava_alone", "compiled", "compiled_alone"])
def test_a_step_on_lava_is_measured(name):
    pytest.importorskip("lava.magma")
    assert 1e-5 < measure(name)["seconds"] < 1


@pytest.mark.slow
def test_networks_of_all_sizes_have_the_same_synapses_and_firing_rates():
    for fan_out, sizes in measure("scaling").items():
        assert [row["neurons"] for row in sizes] == [100, 316, 1000, 3162, 10_000]
        for row in sizes:
            assert 0.03 < row["firing_rate"] < 0.07
            # spikes of neurons onto neurons and the readout, and of channels
            expected = row["firing_rate"] * row["neurons"] * (int(fan_out) + 2) + 0.24 * row["neurons"]
            assert row["events"] == pytest.approx(expected, rel=0.1)
