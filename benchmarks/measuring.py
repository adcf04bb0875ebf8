"""Measures peers in processes of their own, so that threads, memory and caches are theirs alone."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version

THREADS = (1, 2)
"""Numbers of threads at which every peer is tried; the better number counts."""

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def apart(script, *arguments, threads=1):
    """Run a script in a fresh process and return the JSON object of its last line.

    Parameters
    ----------
    script : str or Path
    *arguments : str
    threads : int
        Threads that every library may use there.

    Returns
    -------
    dict

    Raises
    ------
    SystemExit
        If the process fails; its output is shown.
    """
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=_environment(threads), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Peer:
    """A script in a process of its own that measures when it is its turn, as :func:`take_turns` does.

    A speed is a ratio of times, and what else runs on a machine changes from second to second: peers
    that are measured in turn, a second or two each and many times over, meet the same conditions.
    Use as a context manager; entering it starts the process and has it take a first turn to warm up.
    Where the script fails, SystemExit is raised with its errors.

    Parameters
    ----------
    script : str or Path
    *arguments : str
    threads : int
        Threads that every library may use there.
    """

    def __init__(self, script, *arguments, threads=1):
        self.command = [sys.executable, str(script), *map(str, arguments)]
        self.environment = _environment(threads)

    def __enter__(self):
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.turn()
        except BaseException:
            self._end()
            raise
        return self

    def turn(self):
        """What the script measures now, a dict."""
        with suppress(BrokenPipeError):
            print(file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self._errors.seek(0)
        raise SystemExit(f"{' '.join(self.command)} failed:\n{self._errors.read()}")

    def __exit__(self, *exception):
        self._end()

    def _end(self):
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def take_turns(measure):
    """Print what `measure` returns as a JSON object for every line that is read."""
    for _ in sys.stdin:
        print(json.dumps(measure()), flush=True)


def _environment(threads):
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}


def median_seconds(step, repeats, at_least=0.0, warm_up=True):
    """Median wall time of a call, unless told otherwise after one call to warm up.

    Of `repeats` calls, or of as many as take `at_least` so many seconds: where a call is short,
    a few would fit into one of the moments in which other guests of a machine slow it down.
    """
    if warm_up:
        step()
    seconds = []
    while len(seconds) < repeats or sum(seconds) < at_least:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak_memory():
    """Most memory that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def conditions(*packages):
    """Machine, load and versions: what a figure has to be read with."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
