"""Measures peers in processes of their own, so that threads, memory and caches are theirs alone."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
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
    environment = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def median_seconds(step, repeats, at_least=0.0):
    """Median wall time of a call, after one call to warm up.

    Of `repeats` calls, or of as many as take `at_least` so many seconds: where a call is short,
    a few would fit into one of the moments in which other guests of a machine slow it down.
    """
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
