"""Compiled code on disk: found again, not when the arithmetic has changed, and where to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lava_ahp

CODE = """
import numpy as np
from lava_ahp.engine import kernel, simulate
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters

layer = Layer("a", 1, FixedAHPParameters(du=4095, dv=2048, vth=9999), Connection(np.array([[3]])))
spikes = np.zeros((1, 4, 1), int)
spikes[0, 0] = 1
v = simulate(NetworkSpec((layer,)), spikes, ["v"]).v["a"].ravel().tolist()
stats = getattr(kernel.advance, "stats", None)
print(v, sum(stats.cache_hits.values()), stats.cache_path)
"""


CALLED = """
from numba.extending import register_jitable

@register_jitable
def plus(x):
    return x + 1
"""

CALLING = """
from typing import NamedTuple
import called
from lava_ahp.engine.compiled import compiled

class Argument(NamedTuple):
    x: int

plus = called.plus

@compiled(called)
def function(argument):
    return plus(argument.x)

print(function(Argument(40)), sum(function.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs CODE on a copy of the package; returns voltages, cache hits, cache folder."""
    folder = tmp_path_factory.mktemp("copy")
    source = Path(lava_ahp.__file__).parent
    shutil.copytree(source, folder / "lava_ahp", ignore=shutil.ignore_patterns("__pycache__"))
    home = folder / "home"

    def run(**environment):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
        env |= {"PYTHONPATH": str(folder), "HOME": str(home), **environment}
        done = subprocess.run(
            [sys.executable, "-c", CODE], cwd=folder, env=env, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        v, hits, path = done.stdout.strip().rsplit(" ", 2)
        return eval(v), int(hits), path

    run.package, run.home = folder / "lava_ahp", home
    return run


def test_a_later_process_finds_the_compiled_code_until_the_arithmetic_changes(run):
    v = [0, 192, 96, 48]
    beside = str(run.package / "engine" / "__pycache__")
    assert run() == (v, 0, beside)
    assert run() == (v, 1, beside)
    dynamics = run.package / "dynamics.py"
    text, times = dynamics.read_text(), dynamics.stat()
    # of the same length and time, in a file that Numba's cache does not look at
    dynamics.write_text(text.replace("return decay(v, decay_v) + drive", "return decay(v, decay_v) - drive"))
    os.utime(dynamics, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run() == ([0, -192, -96, -48], 0, beside)
    dynamics.write_text(text)
    assert run() == (v, 1, beside)


def test_where_the_package_cannot_be_written_the_code_lies_in_the_users_folder(run):
    beside = run.package / "engine" / "__pycache__"
    shutil.rmtree(beside, ignore_errors=True)
    beside.touch()  # a file in the folder's place: nobody can write there, not even root
    v, hits, path = run()
    assert v == [0, 192, 96, 48] and Path(path).is_relative_to(run.home)
    assert run() == (v, 1, path)


@pytest.mark.slow
def test_where_nothing_can_be_written_it_is_compiled_each_time(run, tmp_path):
    beside = run.package / "engine" / "__pycache__"
    shutil.rmtree(beside, ignore_errors=True)
    beside.touch()
    (tmp_path / "home").touch()
    assert run(HOME=str(tmp_path / "home")) == ([0, 192, 96, 48], 0, "None")


@pytest.mark.parametrize(
    "module, before, after, value",
    [("called", "x + 1", "x + 2", "42"), ("calling", "Argument", "Anything", "41")],
    ids=["a module that it calls has changed", "its argument's class has another name"],
)
def test_compiled_code_is_not_found_once(module, before, after, value, tmp_path):
    texts = {"called": CALLED, "calling": CALLING}

    def value_and_hits():
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        command = [sys.executable, "-B", "-c", "import calling"]
        return subprocess.check_output(command, cwd=tmp_path, text=True).split()

    assert value_and_hits() == ["41", "0"]
    assert value_and_hits() == ["41", "1"]
    texts[module] = texts[module].replace(before, after)
    assert value_and_hits() == [value, "0"]
