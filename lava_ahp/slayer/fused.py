"""The passes of :mod:`lava_ahp.slayer.kernel`, compiled for the CPU.

Forward is the integer step of :mod:`lava_ahp.dynamics`, compiled by Numba. Both passes are
driven by spikes: a neuron that spiked adds the row of its outgoing weights forward, and to
the gradient of that row backward. What flows back onto a spike is computed only where the
surrogate is not zero. From one pass to the other go the voltages and who spiked when.

A batch is cut into chunks that do not depend on the number of threads, and what they
give is added in their order: results are the same bits on any number of cores.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba calls its products
import torch
from threadpoolctl import ThreadpoolController

import lava_ahp.engine.compiled  # noqa: F401  the arithmetic, for Numba
from lava_ahp import dynamics
from lava_ahp.slayer.recordings import empty
from lava_ahp.slayer.surrogate import Triangular

CHUNK = 8
"""Fewest samples that one thread takes through time together."""

LARGEST_CHUNK = 256
"""Most of them: in the backward pass a sample's number has 8 bits."""

MOST_CHUNKS = 64
"""Chunks of a batch beyond which they become larger: each has weight gradients of its own."""

DENSE_SHARE = 0.3
"""Share of neurons with a surrogate from which on one matrix product beats single rows."""

LANES = 32
"""Outgoing weights come in multiples of this many, which leaves no rest to vector instructions."""

_synaptic_current, _ahp_current = dynamics.synaptic_current, dynamics.ahp_current
_potential, _fire = dynamics.potential, dynamics.fire


class Weights(NamedTuple):
    """Rows of sources, float32; without rows where there is no such connection.

    Attributes
    ----------
    incoming : ndarray, shape (source, neuron)
    outgoing : ndarray, shape (neuron, neuron + target)
        Onto the population itself, then onto the next one.
    """

    incoming: np.ndarray
    outgoing: np.ndarray


class Recordings(NamedTuple):
    """Arrays (batch, time, neuron); empty where nothing is recorded."""

    spikes: np.ndarray
    potential: np.ndarray
    current: np.ndarray
    ahp: np.ndarray
    held: np.ndarray
    sent: np.ndarray


class Events(NamedTuple):
    """Who spiked when.

    Attributes
    ----------
    neurons : ndarray of int32, shape (chunk, any)
        Neurons that spiked, by step and sample of a chunk.
    spans : ndarray of int32, shape (batch, time + 1, 2)
        Begin and end of a sample's neurons; those of the state before come first.
    """

    neurons: np.ndarray
    spans: np.ndarray


def forward(x, synapses, c, units, floor, state, record):
    """As :func:`lava_ahp.slayer.kernel.unrolled_forward`, with the same bits."""
    batch, n_steps, _ = x.shape
    n = state.v.shape[-1]
    shape = batch, n_steps, n
    n_targets = 0 if synapses.onto is None else len(synapses.onto)

    spikes, potential, current, ahp = (
        empty(shape if name in record else (0, 0, 0))
        for name in ("spikes", "potential", "current", "ahp")
    )
    sent = empty((batch, n_steps, n_targets))
    held = torch.empty(shape if c.refractory.any() else (0, 0, 0), dtype=torch.bool)
    recordings = Recordings(
        *(recording.numpy() for recording in (spikes, potential, current, ahp, held, sent))
    )
    chunks = chunk_starts(batch)
    n_chunks = len(chunks)
    events = Events(
        np.empty((n_chunks, (n_steps + 1) * min(chunks.step, batch) * n + 1), np.int32),
        np.empty((batch, n_steps + 1, 2), np.int32),
    )
    # Every coefficient and state has at most 32 bits; the arithmetic itself has 64.
    coefficients = _aligned([np.broadcast_to(value.numpy(), (n,)) for value in c], torch.int32)
    last = _aligned(np.stack([value.numpy() for value in state], axis=1), torch.int32)
    activity = _zeros((n_chunks, 5, n))
    activity[:, 3], activity[:, 4] = np.inf, -np.inf
    scale = (1 / units.weight).expand(n).numpy()
    run_chunks(
        _forward,
        batch,
        x.detach().numpy(),
        _weights(synapses, n, scale),
        np.ascontiguousarray(scale),
        np.float32(units.state),
        coefficients,
        _span((coefficients[3] != 0) | (last[:, 2] != 0).any(0)),
        _aligned(np.broadcast_to(floor.numpy(), (n,))),
        last,
        recordings,
        events,
        activity,
    )
    last = torch.from_numpy(last.astype(np.int64))
    means = activity[:, :3].sum(0) / np.float32(n_steps * batch)
    activity = (*means, activity[:, 3].min(0), activity[:, 4].max(0))
    activity = [torch.from_numpy(np.ascontiguousarray(value)) for value in activity]
    return spikes, potential, current, ahp, sent, (events, held), dynamics.State(*last.unbind(1)), activity


def backward(grad, x, synapses, tape):
    """As :func:`lava_ahp.slayer.kernel.unrolled_backward`, up to the order of sums."""
    events, held = tape.memory
    potential, surrogate = tape.potential, tape.surrogate
    batch, n_steps, n = potential.shape
    none = np.empty((0, 0, 0), np.float32)
    weights = _weights(synapses, n)
    n_chunks = len(chunk_starts(batch))
    grads = Weights(*(_zeros((n_chunks, *w.shape)) for w in weights))
    grad_x = empty(x.shape if tape.needs_x else (0, 0, 0))
    by_decay = _zeros((n_chunks if tape.decays else 0, 3, n))
    # The triangle is computed on the way; any other surrogate beforehand.
    triangular = isinstance(surrogate, Triangular)
    psi = none if triangular else surrogate(potential, tape.threshold).numpy()
    height = tape.threshold.new_tensor(surrogate.damping if triangular else 0.0) / tape.threshold
    slope = height / (tape.threshold * (surrogate.width if triangular else 1.0))
    constants = (*tape.keep, tape.jump, tape.threshold, height, slope, tape.floor)
    constants += (grad.rate / (n_steps * batch), grad.depth * 2 / (n_steps * batch))
    constants = _aligned([np.broadcast_to(value.detach().numpy(), (n,)) for value in constants])
    run_chunks(
        _backward,
        batch,
        x.detach().numpy(),
        weights,
        _aligned(weights.incoming.T if tape.needs_x else weights.incoming[:0]),
        constants,
        (0, n) if tape.decays else _span(constants[3] != 0),
        *(
            none if value is None else value.contiguous().numpy()
            for value in (grad.spikes, grad.potential, grad.sent)
        ),
        psi,
        potential.numpy(),
        held.numpy(),
        events,
        tape.current.numpy(),
        tape.ahp.numpy(),
        torch.stack(tape.first[:3]).numpy(),
        grad_x.numpy(),
        grads,
        by_decay,
    )
    incoming, outgoing = (torch.from_numpy(w.sum(0).T) for w in grads)
    return (
        grad_x if tape.needs_x else None,
        None if synapses.inputs is None else incoming,
        None if synapses.recurrent is None else outgoing[:n],
        None if synapses.onto is None else outgoing[n : n + len(synapses.onto)],
        torch.from_numpy(-by_decay.sum(0)).unbind() if tape.decays else None,
    )


def _weights(synapses, n, scale=None):
    """Weights by source; those onto the population in integers where `scale` is given."""
    incoming, recurrent, onto = (
        None if w is None else w.detach().numpy().T
        for w in (synapses.inputs, synapses.recurrent, synapses.onto)
    )
    if incoming is None:
        incoming = np.empty((0, n), np.float32)
    elif scale is not None:
        incoming = incoming * scale
    if recurrent is None and onto is None:
        outgoing = np.empty((0, n), np.float32)
    else:
        width = n + (0 if onto is None else onto.shape[1])
        outgoing = _zeros((n, -(-width // LANES) * LANES))
        if recurrent is not None:
            outgoing[:, :n] = recurrent if scale is None else np.rint(recurrent * scale)
        if onto is not None:
            outgoing[:, n:width] = onto
    return Weights(_aligned(incoming), outgoing)


def _zeros(shape):
    """Zeros that begin at a cache line: NumPy's do not, and vector loads across lines are slow."""
    return torch.zeros(shape).numpy()


def _aligned(values, dtype=torch.float32):
    """A copy that begins at a cache line."""
    copy = torch.empty(np.shape(values), dtype=dtype).numpy()
    copy[...] = values
    return copy


def _span(mask):
    """Begin and end of where `mask` is true."""
    where = np.flatnonzero(mask)
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)


@cache
def _pool():
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)


@cache
def _libraries():
    return ThreadpoolController()


def chunk_starts(batch):
    """Where the chunks of a batch begin, a range: the same on any number of cores."""
    return range(0, batch, max(CHUNK, min(LARGEST_CHUNK, -(-batch // MOST_CHUNKS))))


def run_chunks(function, batch, *arrays):
    """Call `function(chunk, start, stop, *arrays)` for every chunk of a batch, side by side."""
    starts = chunk_starts(batch)
    # One BLAS thread for each of ours: two on a core wait for each other.
    with _libraries().limit(limits=1, user_api="blas"):
        jobs = [
            _pool().submit(function, chunk, start, min(start + starts.step, batch), *arrays)
            for chunk, start in enumerate(starts)
        ]
        for job in jobs:
            job.result()


@numba.njit(nogil=True)
def not_zero(values, indices):
    """Write the indices of what is not zero, and return how many there are.

    `indices` has room for one more than there are values, so that no branch is needed.
    """
    n = 0
    for i in range(len(values)):
        indices[n] = i
        n += np.int64(values[i] != 0)
    return n


@numba.njit(nogil=True)
def add(total, row, factor):
    """Add a row of weights times a factor to sums."""
    for i in range(len(total)):
        total[i] += factor * row[i]


@numba.njit(nogil=True, fastmath={"contract"})
def add_products(total, one, other):
    """Add the products of two rows to sums."""
    for i in range(len(total)):
        total[i] += one[i] * other[i]


@numba.njit(nogil=True)
def _record(recording, b, t, value, unit):
    if len(recording):
        row = recording[b, t]
        for i in range(len(value)):
            row[i] = value[i] * unit


@numba.njit(nogil=True)
def _forward(
    chunk,
    start,
    stop,
    x,
    weights,
    scale,
    unit,
    coefficients,
    adapting,
    floor,
    last,
    recordings,
    events,
    activity,
):
    n_steps, n = x.shape[1], len(scale)
    incoming, outgoing = weights.incoming, weights.outgoing
    potential, held, sent = recordings.potential, recordings.held, recordings.sent
    neurons, spans = events.neurons[chunk], events.spans
    rate = activity[chunk, 0]
    total = np.empty(max(n, outgoing.shape[1]), np.float32)
    onto_self, onto_next = total[:n], total[n : n + sent.shape[2]]
    unrecorded = np.empty(n, np.float32)
    arrived = np.empty(x.shape[2] + 1, np.int32)
    one, end = np.float32(1), 0
    # One sample after the other, so that its state stays close to the core.
    for b in range(start, stop):
        state = last[b]
        u, a, s, hold = state[0], state[2], state[3], state[4]
        spans[b, 0, 0] = end
        end += not_zero(s, neurons[end:])
        spans[b, 0, 1] = end
        for t in range(n_steps):
            values = x[b, t]
            total[:] = 0
            if len(incoming):
                for k in range(not_zero(values, arrived)):
                    add(onto_self, incoming[arrived[k]], values[arrived[k]])
            else:
                for i in range(n):
                    onto_self[i] = np.rint(values[i] * scale[i])
            if len(outgoing):
                for k in range(spans[b, t, 0], spans[b, t, 1]):
                    add(total, outgoing[neurons[k]], one)
            _record(sent, b, t, onto_next, one)
            if len(held):
                for i in range(n):
                    held[b, t, i] = hold[i] > 0
            voltage = potential[b, t] if len(potential) else unrecorded
            _advance(state, onto_self, coefficients, adapting, unit, voltage)
            begin = end
            end += not_zero(s, neurons[begin:])
            spans[b, t + 1, 0], spans[b, t + 1, 1] = begin, end
            for k in range(begin, end):
                rate[neurons[k]] += 1
            _observe(activity[chunk], voltage, floor)
            _record(recordings.spikes, b, t, s, one)
            _record(recordings.current, b, t, u, unit)
            _record(recordings.ahp, b, t, a, unit)


@numba.njit(nogil=True)
def _advance(state, x, c, adapting, unit, voltage):
    """One step of a sample; `state` has its neurons' u, v, a, s and hold as rows."""
    u, v, a, s, hold = state[0], state[1], state[2], state[3], state[4]
    decay_u, decay_v, in_shift, threshold, refractory, bias = c[0], c[1], c[4], c[5], c[6], c[7]
    first, end = adapting
    a_here, s_here = a[first:end], s[first:end]
    decay_a, jump = c[2, first:end], c[3, first:end]
    # One loop over neurons each, in 64 bits as everywhere, which become vector instructions.
    for i in range(len(a_here)):
        a_here[i] = _ahp_current(
            np.int64(a_here[i]), np.int64(s_here[i]), np.int64(decay_a[i]), np.int64(jump[i])
        )
    for i in range(len(voltage)):
        current = _synaptic_current(
            np.int64(u[i]), np.int64(np.rint(x[i])), np.int64(decay_u[i]), np.int64(in_shift[i])
        )
        drive = current + np.int64(a[i]) + np.int64(bias[i])
        potential = _potential(np.int64(v[i]), drive, np.int64(hold[i]), np.int64(decay_v[i]))
        after = _fire(
            current, potential, 0, np.int64(hold[i]), np.int64(threshold[i]), np.int64(refractory[i])
        )
        voltage[i] = np.float32(potential) * unit
        u[i], v[i], s[i], hold[i] = current, after.v, after.s, after.hold


@numba.njit(nogil=True)
def _observe(activity, voltage, floor):
    """Add a step's voltages to what is known of each neuron."""
    depth, below, v_min, v_max = activity[1], activity[2], activity[3], activity[4]
    for i in range(len(voltage)):
        under = min(voltage[i] - floor[i], np.float32(0))
        depth[i] += under * under
        below[i] += np.float32(1) if under < 0 else np.float32(0)
    for i in range(len(voltage)):
        v_min[i] = min(v_min[i], voltage[i])
        v_max[i] = max(v_max[i], voltage[i])


@numba.njit(nogil=True, fastmath={"contract", "reassoc"})
def _backward(
    chunk,
    start,
    stop,
    x,
    weights,
    incoming_by_target,
    constants,
    adapting,
    grad_spikes,
    grad_potential,
    grad_sent,
    psi,
    potential,
    held,
    events,
    current,
    ahp,
    first,
    grad_x,
    grads,
    by_decay,
):
    _, n_steps, n = potential.shape
    batch, jump, rate = stop - start, constants[3], constants[8]
    incoming, outgoing = weights.incoming, weights.outgoing
    grad_incoming, grad_outgoing = grads.incoming[chunk], grads.outgoing[chunk]
    neurons, spans = events.neurons[chunk], events.spans
    # Of each sample: gradients of v and a, derivative of the spikes; and what flows back along
    # rows of outgoing weights, the gradient of u and then those of what was sent.
    states = np.zeros((batch, 3, n), np.float32)
    onward = np.zeros((batch, outgoing.shape[1]), np.float32)
    by_target = np.ascontiguousarray(outgoing.T)
    flow = np.zeros((batch, n), np.float32)
    active = np.empty(batch * n + 1, np.int32)
    arrived = np.empty(x.shape[2] + 1, np.int32)
    one = np.float32(1)
    for t in range(n_steps - 1, -1, -1):
        for k in range(batch):
            b = start + k
            for j in range(spans[b, t + 1, 0], spans[b, t + 1, 1]):
                states[k, 0, neurons[j]] = 0
            _decay(states[k], constants, potential[b, t])
            if len(psi):
                states[k, 2] = psi[b, t]
        n_active = 0
        for i in range(n):
            for k in range(batch):
                active[n_active] = i << 8 | k
                n_active += np.int64(states[k, 2, i] != 0)
        dense = len(outgoing) > 0 and n_active > DENSE_SHARE * batch * n
        if dense:
            np.dot(onward, by_target, flow)
        for j in range(n_active):
            i, k = active[j] >> 8, active[j] & 255
            onto_spike = rate[i] - jump[i] * states[k, 1, i]
            if len(grad_spikes):
                onto_spike += grad_spikes[start + k, t, i]
            if dense:
                onto_spike += flow[k, i]
            elif len(outgoing):
                row, column, product = outgoing[i], onward[k], np.float32(0)
                for m in range(len(row)):
                    product += row[m] * column[m]
                onto_spike += product
            states[k, 0, i] += states[k, 2, i] * onto_spike
        for k in range(batch):
            b, p, u = start + k, states[k, 0], onward[k, :n]
            if len(grad_potential):
                add(p, grad_potential[b, t], one)
            if len(held):
                for i in range(n):
                    if held[b, t, i]:
                        p[i] = 0
            _flow_back(u, states[k], constants, adapting)
            if len(by_decay):
                total, a = by_decay[chunk], states[k, 1]
                add_products(total[0], u, current[b, t - 1] if t else first[0, b])
                add_products(total[1], p, potential[b, t - 1] if t else first[1, b])
                add_products(total[2], a, ahp[b, t - 1] if t else first[2, b])
                # Where a spike reset the voltage nothing of it was left to forget.
                for j in range(spans[b, t, 0] if t else 0, spans[b, t, 1] if t else 0):
                    i = neurons[j]
                    total[1, i] -= p[i] * potential[b, t - 1, i]
            if len(grad_sent):
                onward[k, n : n + grad_sent.shape[2]] = grad_sent[b, t]
            if len(outgoing):
                for j in range(spans[b, t, 0], spans[b, t, 1]):
                    add(grad_outgoing[neurons[j]], onward[k], one)
            values = x[b, t]
            if len(incoming):
                for j in range(not_zero(values, arrived)):
                    add(grad_incoming[arrived[j]], u, values[arrived[j]])
            if len(grad_x):
                out = grad_x[b, t]
                if len(incoming):
                    out[:] = 0
                    for i in range(n):
                        add(out, incoming_by_target[i], u[i])
                else:
                    out[:] = u


@numba.njit(nogil=True, fastmath={"contract"})
def _decay(state, constants, v):
    """A step back of the gradient of v without what comes through spikes, and their derivative."""
    keep_v, threshold, height, slope = constants[1], constants[4], constants[5], constants[6]
    floor, depth = constants[7], constants[9]
    p, derivative = state[0], state[2]
    for i in range(len(v)):
        distance = abs(v[i] - threshold[i])
        derivative[i] = max(np.float32(0), height[i] - slope[i] * distance)
        p[i] = keep_v[i] * p[i] + depth[i] * min(v[i] - floor[i], np.float32(0))


@numba.njit(nogil=True, fastmath={"contract"})
def _flow_back(u, state, constants, adapting):
    """A step back of the gradients of u and a, from that of v."""
    keep_u, first, end = constants[0], adapting[0], adapting[1]
    p, p_here, a_here = state[0], state[0, first:end], state[1, first:end]
    keep_a = constants[2, first:end]
    for i in range(len(p)):
        u[i] = p[i] + keep_u[i] * u[i]
    for i in range(len(p_here)):
        a_here[i] = p_here[i] + keep_a[i] * a_here[i]
