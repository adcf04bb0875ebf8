"""An LSTM on the CPU, as what a network of AHP neurons is compared with: operations, time, energy."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from lava_ahp.errors import ParameterError, check_count

N_UNITS = 128
"""Units of the LSTM that Rao et al. (2022) compare with."""

CPU_WATTS = 10.0
"""Power that a busy core of a CPU is taken to draw where it cannot be read."""

CPU_WATTS_SPREAD = 3.0
"""Factor up and down within which that should lie: from a laptop's core to a server's."""

RAPL = Path("/sys/class/powercap")

REPETITIONS = 3
"""Runs that are timed."""


class LSTM:
    """A layer of LSTM units with random weights; what it costs does not depend on them.

    The equations and the order of the gates (input, forget, cell, output) are torch's.

    Parameters
    ----------
    n_inputs, n_units : int
    seed : int, optional
    """

    def __init__(self, n_inputs, n_units=N_UNITS, seed=0):
        random = np.random.default_rng(seed)
        bound = n_units**-0.5

        def weights(*shape):
            return random.uniform(-bound, bound, shape).astype(np.float32)

        self.n_units = n_units
        self.weight_ih = weights(4 * n_units, n_inputs)
        self.weight_hh = weights(4 * n_units, n_units)
        self.bias = weights(4 * n_units)

    def __call__(self, x):
        """Hidden states after the last step.

        Parameters
        ----------
        x : ndarray of float32, shape (batch, time, n_inputs)

        Returns
        -------
        ndarray of float32, shape (batch, n_units)
        """
        n = self.n_units
        hidden = cell = np.zeros((len(x), n), np.float32)
        driven = x @ self.weight_ih.T + self.bias
        recurrent = np.ascontiguousarray(self.weight_hh.T)
        for t in range(x.shape[1]):
            gates = driven[:, t] + hidden @ recurrent
            opened = expit(gates)
            cell = opened[:, n : 2 * n] * cell + opened[:, :n] * np.tanh(gates[:, 2 * n : 3 * n])
            hidden = opened[:, 3 * n :] * np.tanh(cell)
        return hidden

    @property
    def macs_per_step(self):
        """Multiply-accumulates of one step of one sample, elementwise ones included."""
        return self.weight_ih.size + self.weight_hh.size + 3 * self.n_units


@dataclass(frozen=True)
class Cost:
    """What an LSTM took for one sample.

    Attributes
    ----------
    n_units, n_steps, batch : int
    macs : int
        Multiply-accumulates.
    parameter_bytes : int
    seconds : float
        From the start of a batch to its end.
    joules, joules_low, joules_high : float
        Of one sample: the batch's over its size.
    edp_Js : float
        `joules * seconds`.
    basis : str
        Where the energy comes from.
    """

    n_units: int
    n_steps: int
    batch: int
    macs: int
    parameter_bytes: int
    seconds: float
    joules: float
    joules_low: float
    joules_high: float
    edp_Js: float
    basis: str

    def to_dict(self):
        """Plain dict, fit for JSON."""
        return asdict(self)


def measure(n_steps, n_inputs=1, n_units=N_UNITS, batch=1, watts=CPU_WATTS):
    """Run an LSTM over sequences on one core of this machine's CPU.

    Parameters
    ----------
    n_steps : int
        Steps of a sequence.
    n_inputs : int, optional
        Numbers that come in at each step: an LSTM needs no spikes, one pixel a step is one.
    n_units : int, optional
    batch : int, optional
        Sequences side by side. 1 answers soonest, more take less energy each.
    watts : float, optional
        Power of the busy core, where the CPU's own counter (RAPL) cannot be read.

    Returns
    -------
    Cost
        Of the fastest of several runs: whatever else the machine does only adds to them.

    Raises
    ------
    ParameterError
        If a value is not positive.
    """
    for name, value in (("n_steps", n_steps), ("n_units", n_units), ("batch", batch)):
        check_count(name, value)
    if not 0 < watts < np.inf:
        raise ParameterError(f"watts: found {watts!r}, expected a positive power in W")
    lstm = LSTM(n_inputs, n_units)
    x = np.random.default_rng(0).random((batch, n_steps, n_inputs), np.float32)
    lstm(x[:, : min(n_steps, 10)])
    runs = []
    with threadpool_limits(1):
        for _ in range(REPETITIONS):
            before, start = _package_joules(), time.perf_counter()
            lstm(x)
            seconds, after = time.perf_counter() - start, _package_joules()
            runs.append((seconds, 0.0 if before is None else after - before))
    seconds, joules = min(runs)
    # a counter that overflowed or does not count says nothing
    if joules > 0:
        low = high = joules
        basis = "measured: RAPL, the whole CPU package"
    else:
        joules = seconds * watts
        low, high = joules / CPU_WATTS_SPREAD, joules * CPU_WATTS_SPREAD
        basis = f"measured time, times a power taken to be {watts:g} W"
    weights = (lstm.weight_ih, lstm.weight_hh, lstm.bias)
    return Cost(
        n_units=n_units,
        n_steps=n_steps,
        batch=batch,
        macs=lstm.macs_per_step * n_steps,
        parameter_bytes=sum(w.nbytes for w in weights),
        seconds=seconds,
        joules=joules / batch,
        joules_low=low / batch,
        joules_high=high / batch,
        edp_Js=joules / batch * seconds,
        basis=basis,
    )


def _package_joules():
    """Energy counters of all CPU packages in J, or None where they cannot be read."""
    try:
        counters = list(RAPL.glob("intel-rapl:[0-9]*"))
        packages = [c for c in counters if c.name.count(":") == 1]
        return sum(int((c / "energy_uj").read_text()) for c in packages) / 1e6 if packages else None
    except OSError:
        return None
