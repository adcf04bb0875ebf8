"""Simulation of samples, each from rest, side by side on the cores of the machine."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import add
from threading import Event

import numba
import numpy as np

from lava_ahp.engine.inputs import batches
from lava_ahp.engine.layout import lay_out
from lava_ahp.engine.machine import Machine, by_layer, empty_recordings
from lava_ahp.engine.result import RECORDABLE, Result, check_record
from lava_ahp.errors import check_count
from lava_ahp.memory import check_memory

BATCH_SIZE = 64
"""Samples that are held at a time; memory grows with it and not with the data."""

JOBS_PER_THREAD = 2
"""Parts of a batch for each thread: where one is slow another takes over."""


def simulate(network, spikes, record=(), batch_size=BATCH_SIZE, n_threads=None):
    """Run a network over samples, each from rest.

    An input of step `t` acts in step `t + 1`, as on the chip; the input of the last
    step therefore has no effect. Before a layer that takes its input directly it acts
    in the same step.

    Parameters
    ----------
    network : NetworkSpec
    spikes : array_like, Sequence or iterable, shape (batch, time, n_inputs)
        Input spikes, integers or bool, 0 or 1; any integers of 32 bits where the network
        takes graded input. May be an array, a sequence such as
        :class:`lava_ahp.tasks.encoding.EncodedSamples`, or any iterable of samples.
    record : iterable of {"spikes", "u", "v", "a"}, optional
        What to keep of every step.
    batch_size : int, optional
        Samples that are taken from a sequence or iterable at a time.
    n_threads : int, optional
        Threads that compute; by default one for each core. The bits do not depend on it.

    Returns
    -------
    Result

    Raises
    ------
    ParameterError
        If the input has another shape or type, `record` names something else, or the
        recordings do not fit into memory.
    """
    record = check_record(record)
    sample = spikes[0] if hasattr(spikes, "__getitem__") and len(spikes) else None
    if getattr(sample, "ndim", 0) == 2:
        n_values = len(spikes) * len(sample) * sum(layer.n_neurons for layer in network.layers)
        bytes_per_value = sum(np.dtype(RECORDABLE[name]).itemsize for name in record)
        check_memory("record", n_values * bytes_per_value)
    return _joined(list(stream(network, spikes, record, batch_size, n_threads)))


def stream(network, spikes, record=(), batch_size=BATCH_SIZE, n_threads=None):
    """As :func:`simulate`, giving the result of each batch when it is there.

    Memory holds two batches at a time, however many there are.

    Parameters
    ----------
    network, spikes, record, batch_size, n_threads
        As for :func:`simulate`.

    Yields
    ------
    Result
        Of the next `batch_size` samples.

    Raises
    ------
    ParameterError
        As :func:`simulate`.
    """
    record = check_record(record)
    check_count("batch_size", batch_size)
    if n_threads is None:
        n_threads = numba.config.NUMBA_NUM_THREADS
    check_count("n_threads", n_threads)
    layout = lay_out(network)
    stop = Event()
    pool = ThreadPoolExecutor(n_threads)
    try:
        # The next batch is taken, and encoded where it has to be, while this one runs.
        running = deque()
        for values in batches(network, spikes, batch_size):
            running.append(_Batch(layout, values, record, pool, n_threads, stop.is_set))
            if len(running) > 1:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _Batch:
    """A batch that runs, in parts."""

    def __init__(self, layout, values, record, pool, n_threads, stopped):
        self.layout, self.record = layout, record
        n_samples, self.n_steps, _ = values.shape
        self.recordings = empty_recordings(layout, record, n_samples, self.n_steps)
        size = -(-n_samples // (n_threads * JOBS_PER_THREAD))
        parts = [slice(start, start + size) for start in range(0, n_samples, size)]
        self.jobs = [pool.submit(self._run, values[part], part, stopped) for part in parts]

    def _run(self, values, part, stopped):
        machine = Machine(self.layout, len(values))
        where = type(self.recordings)(*(array[part] for array in self.recordings))
        machine.advance(values, where, stopped)
        return machine.output(), machine.counts.spikes, machine.operations()

    def result(self):
        outputs, counts, operations = zip(*(job.result() for job in self.jobs))
        return Result(
            output=np.concatenate(outputs),
            spike_counts=by_layer(self.layout, np.concatenate(counts)),
            n_steps=self.n_steps,
            operations=reduce(add, operations),
            **{
                name: by_layer(self.layout, getattr(self.recordings, name))
                for name in self.record
            },
        )


def _joined(results):
    """Results of batches as one."""
    if len(results) == 1:
        return results[0]

    def join(name):
        return {
            layer: np.concatenate([getattr(result, name)[layer] for result in results])
            for layer in getattr(results[0], name)
        }

    return Result(
        output=np.concatenate([result.output for result in results]),
        n_steps=results[0].n_steps,
        operations=reduce(add, (result.operations for result in results)),
        **{name: join(name) for name in ("spike_counts", *RECORDABLE)},
    )
