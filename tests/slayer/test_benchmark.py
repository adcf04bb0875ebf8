"""The training benchmark measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training.py"


@pytest.mark.slow
def test_in_every_turn_five_percent_of_the_neurons_fire_and_learn_from_the_same_weights():
    command = [sys.executable, str(SCRIPT), "--serve", "lava_ahp"]
    done = subprocess.run(
        command, input="\n\n", check=True, capture_output=True, text=True, timeout=300
    )
    first, second = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert first["firing_rate"] == pytest.approx(0.05, abs=0.0025)
    assert second["firing_rate"] == pytest.approx(first["firing_rate"], abs=0.001)
    assert 0.005 < second["seconds"] < 5
    # voltages alone: 64 samples, 840 steps, 240 neurons, 4 bytes
    assert second["memory"] > 64 * 840 * 240 * 4


@pytest.mark.slow
def test_lava_dl_is_measured():
    pytest.importorskip("lava.lib.dl.slayer")
    command = [sys.executable, str(SCRIPT), "--serve", "lava_dl", "--steps", "50"]
    done = subprocess.run(command, input="\n", check=True, capture_output=True, text=True, timeout=300)
    assert 0.001 < json.loads(done.stdout.splitlines()[-1])["seconds"] < 60
