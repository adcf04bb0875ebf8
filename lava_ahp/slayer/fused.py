"""The passes of :mod:`lava_ahp.slayer.kernel`, compiled for the CPU.

Forward is the integer step of :mod:`lava_ahp.dynamics`, compiled by Numba for vectors of words of
32 bits (:mod:`lava_ahp.slayer.lanes`). Both passes are driven by spikes: a neuron that spiked adds
the row of its outgoing weights forward, and to the gradient of that row backward. What flows back
onto a spike is computed only where the surrogate is not zero. From one pass to the other go the
voltages and who spiked when.

A batch is cut into chunks that do not depend on the number of threads, and what they
give is added in their order: results are the same bits on any number of cores.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
import torch

from lava_ahp import dynamics
from lava_ahp.engine.compiled import compiled
from lava_ahp.slayer import halves, lanes, vectors
from lava_ahp.slayer.halves import dot_halves, in_halves
from lava_ahp.slayer.lanes import (
    WIDTH,
    greater,
    lesser,
    load,
    magnitude,
    negative,
    store,
    to_float,
    to_integer,
)
from lava_ahp.slayer.memory import empty
from lava_ahp.slayer.surrogate import Triangular
from lava_ahp.slayer.vectors import (
    BLOCK,
    add,
    add_products,
    add_rows,
    borrowed,
    dot_rows,
    not_zero,
    prefetch,
)

CHUNK = 4
"""Fewest samples that a thread takes through time, one after the other."""

MOST_CHUNKS = 64
"""Chunks of a batch beyond which they become larger: each has weight gradients of its own."""

BACKLOG = 128
"""Steps whose gradients are kept before they are added to those of outgoing weights.

The row of a neuron's weights is then read and written once for all of its spikes in these steps.
"""

LANES = 32
"""Values of 32 bits by which rows are rounded up.

Vector instructions leave no rest then, which would go one by one, and what one thread writes
shares no cache line with what another does. Neurons that fill up the last lanes never spike, and nothing
flows back through them, so that what lies there does not matter.
"""

_synaptic_current, _ahp_current = dynamics.synaptic_current, dynamics.ahp_current
_potential, _fire = dynamics.potential, dynamics.fire


class Weights(NamedTuple):
    """Rows of sources, float32, in whole lanes; without rows where there is no such connection.

    Attributes
    ----------
    incoming : ndarray, shape (source, neuron)
    outgoing : ndarray, shape (neuron, neuron + target)
        Onto the population itself, then onto the next one, without lanes between them.
    """

    incoming: np.ndarray
    outgoing: np.ndarray


class Recordings(NamedTuple):
    """Arrays (batch, time, neuron), of states in whole lanes; empty where nothing is recorded."""

    spikes: np.ndarray
    potential: np.ndarray
    current: np.ndarray
    ahp: np.ndarray
    held: np.ndarray
    sent: np.ndarray


class BackwardConstants(NamedTuple):
    """What the backward pass knows of the neurons, rows as of :func:`_rows`.

    Attributes
    ----------
    keep_u, keep_v, keep_a : ndarray
        What is left of the states after a step.
    jump, threshold : ndarray
    height, slope : ndarray
        Of the triangular surrogate: its value at the threshold, and what it loses from there.
    floor : ndarray
        Voltage below which `depth` counts.
    rate, depth : ndarray
        Gradients of the loss by a spike, and by half the square of a voltage's distance below the floor.
    """

    keep_u: np.ndarray
    keep_v: np.ndarray
    keep_a: np.ndarray
    jump: np.ndarray
    threshold: np.ndarray
    height: np.ndarray
    slope: np.ndarray
    floor: np.ndarray
    rate: np.ndarray
    depth: np.ndarray


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
    """As :func:`lava_ahp.slayer.kernel.unrolled_forward`: the same bits but for means of squares."""
    batch, n_steps, _ = x.shape
    n = state.v.shape[-1]
    n_targets = 0 if synapses.onto is None else len(synapses.onto)

    shape = batch, n_steps, _whole_lanes(n)
    states = [
        empty(shape if name in record else (0, 0, 0))
        for name in ("spikes", "potential", "current", "ahp")
    ]
    sent = empty((batch, n_steps, n_targets))
    held_shape = (batch, n_steps, n) if c.refractory.any() else (0, 0, 0)
    held = torch.empty(held_shape, dtype=torch.bool)
    recordings = Recordings(*(recording.numpy() for recording in (*states, held, sent)))
    chunks = chunk_starts(batch)
    n_chunks = len(chunks)
    events = Events(
        empty(_with_room((n_chunks, (n_steps + 1) * min(chunks.step, batch) * n))).numpy().view(np.int32),
        np.empty((batch, n_steps + 1, 2), np.int32),
    )
    coefficients = dynamics.FixedCoefficients(*_rows([value.numpy() for value in c], n, torch.int32))
    coefficients.bias[n:] = 0
    last = _in_lanes(np.stack([value.numpy() for value in state], axis=1), torch.int32)
    activity = _zeros((n_chunks, 5, _whole_lanes(n)))
    activity[:, 3], activity[:, 4] = np.inf, -np.inf
    scale = (1 / units.weight).expand(n).numpy()
    run_chunks(
        _forward,
        batch,
        x.detach().contiguous().numpy(),
        _weights(synapses, n, scale),
        np.ascontiguousarray(scale),
        np.float32(units.state),
        coefficients._make(_shared(coefficients)),
        _span((coefficients.jump != 0) | (last[:, 2] != 0).any(0)),
        bool(c.refractory.any() or state.hold.any()),
        *_shared(_rows([floor.numpy()], n)),
        last,
        recordings,
        events,
        activity,
        _zeros((n_chunks, 2, _whole_lanes(n + n_targets))),
        _indices((n_chunks, x.shape[2])),
    )
    last = torch.from_numpy(last[..., :n].astype(np.int64))
    activity = activity[..., :n]
    means = activity[:, :3].sum(0) / np.float32(n_steps * batch)
    activity = (*means, activity[:, 3].min(0), activity[:, 4].max(0))
    activity = [torch.from_numpy(np.ascontiguousarray(value)) for value in activity]
    recorded = (values[..., :n] for values in states)
    return *recorded, sent, (events, held, states[1:]), dynamics.State(*last.unbind(1)), activity


def backward(grad, x, synapses, tape):
    """As :func:`lava_ahp.slayer.kernel.unrolled_backward`, up to the order of sums."""
    events, held, states = tape.memory
    potential, surrogate = tape.potential, tape.surrogate
    batch, n_steps, n = potential.shape
    none = np.empty((0, 0, 0), np.float32)
    weights = _weights(synapses, n)
    n_chunks = len(chunk_starts(batch))
    grads = Weights(*(empty((n_chunks, *w.shape)).numpy() for w in weights))
    grad_x = empty(x.shape if tape.needs_x else (0, 0, 0))
    by_constant = _zeros((n_chunks if tape.needs_constants else 0, 5, _whole_lanes(n)))
    # The triangle is computed on the way; any other surrogate beforehand, and none where
    # nothing depends on the spikes, as in a readout.
    reached = (grad.spikes, grad.sent, synapses.recurrent)
    needed = any(v is not None for v in reached) or bool(grad.rate.any() or tape.jump.any())
    triangular = needed and type(surrogate) is Triangular
    psi = surrogate(potential, tape.threshold).numpy() if needed and not triangular else none
    height = tape.threshold.new_tensor(surrogate.damping if triangular else 0.0) / tape.threshold
    slope = height / (tape.threshold * (surrogate.width if triangular else 1.0))
    constants = (*tape.keep, tape.jump, tape.threshold, height, slope, tape.floor)
    constants += (grad.rate / (n_steps * batch), grad.depth * 2 / (n_steps * batch))
    constants = BackwardConstants(*_rows([value.detach().numpy() for value in constants], n))
    constants.height[n:] = 0
    width = _whole_lanes(n)
    run_chunks(
        _backward,
        batch,
        n,
        x.detach().contiguous().numpy(),
        weights,
        _aligned(in_halves(weights.outgoing), torch.int32),
        _aligned(weights.incoming[:, :n].T if tape.needs_x else weights.incoming[:0]),
        constants._make(_shared(constants)),
        (0, width) if tape.needs_constants else _span(constants.jump != 0),
        *(
            none if value is None else value.contiguous().numpy()
            for value in (grad.spikes, grad.potential, grad.sent)
        ),
        psi,
        *(values.numpy() for values in states),
        held.numpy(),
        events,
        _in_lanes(torch.stack(tape.first[:3]).numpy()),
        _zeros((n_chunks, 4, width)),
        empty((n_chunks, BACKLOG, weights.outgoing.shape[1])).numpy(),
        empty((n_chunks, n, BACKLOG // 4)).numpy().view(np.uint8),
        np.zeros((n_chunks, n), np.int32),
        _indices((n_chunks, max(width, x.shape[2]))),
        grad_x.numpy(),
        grads,
        by_constant,
    )
    incoming, outgoing = (torch.from_numpy(w.sum(0).T) for w in grads)
    return (
        grad_x if tape.needs_x else None,
        None if synapses.inputs is None else incoming[:n],
        None if synapses.recurrent is None else outgoing[:n],
        None if synapses.onto is None else outgoing[n : n + len(synapses.onto)],
        torch.from_numpy(-by_constant.sum(0)[:, :n]).unbind() if tape.needs_constants else None,
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
        outgoing = np.empty((0, _whole_lanes(n)), np.float32)
    else:
        width = n + (0 if onto is None else onto.shape[1])
        outgoing = _zeros((n, _whole_lanes(width)))
        if recurrent is not None:
            outgoing[:, :n] = recurrent if scale is None else np.rint(recurrent * scale)
        if onto is not None:
            outgoing[:, n:width] = onto
    return Weights(_in_lanes(incoming), outgoing)


def _indices(shape):
    """Room for the indices that `not_zero` writes."""
    return np.empty(_with_room(shape), np.int32)


def _with_room(shape):
    return *shape[:-1], _whole_lanes(shape[-1] + BLOCK)


def _whole_lanes(n):
    return -(-n // LANES) * LANES


def _zeros(shape):
    """Zeros that begin at a cache line: NumPy's do not, and vector loads across lines are slow."""
    return torch.zeros(shape, dtype=torch.float32).numpy()


def _in_lanes(rows, dtype=torch.float32):
    """A copy with whole lanes, zeros where there was nothing."""
    *shape, n = np.shape(rows)
    copy = torch.zeros((*shape, _whole_lanes(n)), dtype=dtype).numpy()
    copy[..., :n] = rows
    return copy


def _rows(values, n, dtype=torch.float32):
    """A row of whole lanes for each of several values, of every neuron or of all; the last fills up."""
    rows = torch.empty((len(values), _whole_lanes(n)), dtype=dtype).numpy()
    for row, value in zip(rows, values):
        row[:n] = value
        row[n:] = row[n - 1]
    return rows


def _shared(rows):
    """The same rows, of a single vector where all elements are the same.

    All that a pass goes through in a step is more than fits into the memory closest to a core.
    """
    return [row[:WIDTH] if (row == row[0]).all() else row for row in rows]


def _aligned(values, dtype=torch.float32):
    """A copy that begins at a cache line."""
    copy = torch.empty(np.shape(values), dtype=dtype).numpy()
    copy[...] = values
    return copy


def _span(mask):
    """Begin and end of where `mask` is true, in whole lanes."""
    where = np.flatnonzero(mask)
    return (int(where[0]) // LANES * LANES, _whole_lanes(int(where[-1]) + 1)) if len(where) else (0, 0)


@cache
def _helpers():
    return ThreadPoolExecutor(max(1, numba.config.NUMBA_NUM_THREADS - 1))


def chunk_starts(batch):
    """Where the chunks of a batch begin, a range: the same on any number of cores."""
    return range(0, batch, max(CHUNK, -(-batch // MOST_CHUNKS)))


def run_chunks(function, batch, *arrays):
    """Call `function(chunk, start, stop, *arrays)` for every chunk of a batch, side by side."""
    starts = chunk_starts(batch)
    # One iterator for all threads: each takes the next chunk that none has taken.
    chunks = iter(list(enumerate(starts)))

    def take():
        for chunk, start in chunks:
            function(chunk, start, min(start + starts.step, batch), *arrays)

    n_helpers = min(numba.config.NUMBA_NUM_THREADS, len(starts)) - 1
    helping = [_helpers().submit(take) for _ in range(n_helpers)]
    try:
        take()
    finally:
        for helper in helping:
            helper.result()


@numba.njit(nogil=True)
def _of(row, i):
    """Elements of a row from `i` on, or the single vector that :func:`_shared` left of it."""
    return load(row, min(i, len(row) - WIDTH))


@numba.njit(nogil=True)
def _record(recording, b, t, value, unit):
    if len(recording):
        row = recording[b, t]
        for i in range(0, len(row), WIDTH):
            store(row, i, to_float(load(value, i)) * unit)


@compiled(halves, lanes, vectors)
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
    holding,
    floor,
    last,
    recordings,
    events,
    activity,
    sums,
    indices,
):
    n_steps, n, width = x.shape[1], len(scale), last.shape[2]
    x, scale, floor = borrowed(x), borrowed(scale), borrowed(floor)
    incoming, outgoing = borrowed(weights.incoming), borrowed(weights.outgoing)
    spikes, potential = borrowed(recordings.spikes), borrowed(recordings.potential)
    current, ahp = borrowed(recordings.current), borrowed(recordings.ahp)
    held, sent = borrowed(recordings.held), borrowed(recordings.sent)
    neurons, spans = borrowed(events.neurons)[chunk], borrowed(events.spans)
    activity, last = borrowed(activity)[chunk], borrowed(last)
    rate = activity[0]
    total, unrecorded = borrowed(sums)[chunk, 0], borrowed(sums)[chunk, 1, :width]
    onto_self, onto_next = total[:width], total[n : n + sent.shape[2]]
    arrived = borrowed(indices)[chunk]
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
            prefetch(x[b, min(t + 8, n_steps - 1)])
            total[:] = 0
            if len(incoming):
                for k in range(not_zero(values, arrived)):
                    add(onto_self, incoming[arrived[k]], values[arrived[k]])
            else:
                for i in range(n):
                    onto_self[i] = np.rint(values[i] * scale[i])
            if len(outgoing):
                add_rows(total, outgoing, neurons[spans[b, t, 0] : spans[b, t, 1]])
            if sent.shape[2]:
                sent[b, t] = onto_next
                # Where the neurons that fill up their lanes are: nothing arrives at these.
                total[n:width] = 0
            if len(held):
                for i in range(n):
                    held[b, t, i] = hold[i] > 0
            voltage = potential[b, t] if len(potential) else unrecorded
            _advance(state, onto_self, coefficients, adapting, holding, unit, voltage)
            begin = end
            end += not_zero(s, neurons[begin:])
            spans[b, t + 1, 0], spans[b, t + 1, 1] = begin, end
            for k in range(begin, end):
                rate[neurons[k]] += 1
            _observe(activity, voltage, floor)
            _record(spikes, b, t, s, one)
            _record(current, b, t, u, unit)
            _record(ahp, b, t, a, unit)


@numba.njit(nogil=True)
def _advance(state, x, c, adapting, holding, unit, voltage):
    """One step of a sample; `state` has its neurons' u, v, a, s and hold as rows.

    Neurons outside of `adapting` have no AHP current, and without `holding` none is refractory.
    """
    u, v, a, s, hold = state[0], state[1], state[2], state[3], state[4]
    first, end = adapting
    for i in range(0, len(voltage), WIDTH):
        ahp, held, hold_for = load(a, i), load(hold, i), _of(c.refractory, i)
        if not holding:
            held = hold_for = held * 0
        if first <= i < end:
            ahp = _ahp_current(ahp, load(s, i), _of(c.decay_a, i), _of(c.jump, i))
            store(a, i, ahp)
        arriving = to_integer(load(x, i))
        current = _synaptic_current(load(u, i), arriving, _of(c.decay_u, i), _of(c.in_shift, i))
        drive = current + ahp + _of(c.bias, i)
        potential = _potential(load(v, i), drive, held, _of(c.decay_v, i))
        after = _fire(current, potential, ahp, held, _of(c.threshold, i), hold_for)
        store(voltage, i, to_float(potential) * unit)
        store(u, i, current)
        store(v, i, after.v)
        store(s, i, after.s)
        if holding:
            store(hold, i, after.hold)


@numba.njit(nogil=True)
def _observe(activity, voltage, floor):
    """Add a step's voltages to what is known of each neuron."""
    depth, below, v_min, v_max = activity[1], activity[2], activity[3], activity[4]
    for i in range(0, len(voltage), WIDTH):
        v = load(voltage, i)
        under = lesser(v - _of(floor, i), np.float32(0))
        store(depth, i, load(depth, i) + under * under)
        store(below, i, load(below, i) + negative(under))
        store(v_min, i, lesser(load(v_min, i), v))
        store(v_max, i, greater(load(v_max, i), v))


@compiled(halves, lanes, vectors, fastmath={"contract", "reassoc"})
def _backward(
    chunk,
    start,
    stop,
    n,
    x,
    weights,
    outgoing_in_halves,
    incoming_by_target,
    constants,
    adapting,
    grad_spikes,
    grad_potential,
    grad_sent,
    psi,
    potential,
    current,
    ahp,
    held,
    events,
    first,
    states,
    backlog,
    spiked,
    n_spikes,
    indices,
    grad_x,
    grads,
    by_constant,
):
    n_steps, width = potential.shape[1:]
    x, psi, potential = borrowed(x), borrowed(psi), borrowed(potential)
    grad_spikes, grad_potential = borrowed(grad_spikes), borrowed(grad_potential)
    grad_sent, grad_x, by_constant = borrowed(grad_sent), borrowed(grad_x), borrowed(by_constant)
    current, ahp, first, held = borrowed(current), borrowed(ahp), borrowed(first), borrowed(held)
    incoming, outgoing = borrowed(weights.incoming), borrowed(weights.outgoing)
    outgoing_in_halves = borrowed(outgoing_in_halves)
    incoming_by_target = borrowed(incoming_by_target)
    grad_incoming, grad_outgoing = borrowed(grads.incoming)[chunk], borrowed(grads.outgoing)[chunk]
    neurons, spans = borrowed(events.neurons)[chunk], borrowed(events.spans)
    # Gradients of v and a, derivative of the spikes, and gradient of the spikes by what they bring.
    state = borrowed(states)[chunk]
    p, a, derivative, onto_spikes = state[0], state[1], state[2], state[3]
    # Step by step what flows back along rows of outgoing weights, the gradient of u and then those of
    # what was sent; and in which of these steps the spikes of each neuron arrived.
    backlog, spiked = borrowed(backlog)[chunk], borrowed(spiked)[chunk]
    n_spikes = borrowed(n_spikes)[chunk]
    indices, one = borrowed(indices)[chunk], np.float32(1)
    grad_incoming[:], grad_outgoing[:], backlog[:] = 0, 0, 0
    for b in range(start, stop):
        state[:] = 0
        backlog[n_steps % BACKLOG] = 0
        for t in range(n_steps - 1, -1, -1):
            for k in range(spans[b, t + 1, 0], spans[b, t + 1, 1]):
                p[neurons[k]] = 0
            later, onward = backlog[(t + 1) % BACKLOG], backlog[t % BACKLOG]
            u = onward[:width]
            # A processor does not foresee rows that are read backwards.
            before = max(t - 4, 0)
            prefetch(potential[b, before])
            prefetch(x[b, before])
            if len(grad_sent):
                prefetch(grad_sent[b, before])
            _decay(state, constants, potential[b, t])
            if len(psi):
                derivative[:n] = psi[b, t]
            if len(outgoing):
                n_near = not_zero(derivative, indices)
                if len(outgoing_in_halves):
                    dot_halves(onto_spikes, outgoing_in_halves, indices, n_near, later)
                else:
                    dot_rows(onto_spikes, outgoing, indices[:n_near], later)
            if len(grad_spikes):
                add_products(p[:n], derivative, grad_spikes[b, t])
            if len(grad_potential):
                add(p[:n], grad_potential[b, t], one)
            if len(held):
                for i in range(n):
                    if held[b, t, i]:
                        p[i] = derivative[i] = 0
            _flow_back(u, later, state, constants, adapting)
            if len(by_constant):
                total = by_constant[chunk]
                if t:
                    _follow(total, u, state, current[b, t - 1], potential[b, t - 1], ahp[b, t - 1])
                else:
                    _follow(total, u, state, first[0, b], first[1, b], first[2, b])
                # Where a spike reset the voltage nothing of it was left to forget.
                for k in range(spans[b, t, 0] if t else 0, spans[b, t, 1] if t else 0):
                    i = neurons[k]
                    total[1, i] -= p[i] * potential[b, t - 1, i]
                for k in range(spans[b, t, 0], spans[b, t, 1]):
                    total[3, neurons[k]] += a[neurons[k]]
            if len(grad_sent):
                onward[n : n + grad_sent.shape[2]] = grad_sent[b, t]
            if len(outgoing):
                for k in range(spans[b, t, 0], spans[b, t, 1]):
                    i = neurons[k]
                    spiked[i, n_spikes[i]] = t % BACKLOG
                    n_spikes[i] += 1
                if t % BACKLOG == 0:
                    _clear(backlog, spiked, n_spikes, grad_outgoing)
            values = x[b, t]
            if len(incoming):
                for k in range(not_zero(values, indices)):
                    add(grad_incoming[indices[k]], u, values[indices[k]])
            if len(grad_x):
                out = grad_x[b, t]
                if len(incoming):
                    out[:] = 0
                    for i in range(n):
                        add(out, incoming_by_target[i], u[i])
                else:
                    out[:] = u[:n]


@numba.njit(nogil=True)
def _decay(state, constants, v):
    """A step back of the gradient of v without what comes through spikes, and their derivative."""
    p, derivative, zero = state[0], state[2], np.float32(0)
    for i in range(0, len(v), WIDTH):
        voltage = load(v, i)
        distance = magnitude(voltage - _of(constants.threshold, i))
        store(derivative, i, greater(_of(constants.height, i) - _of(constants.slope, i) * distance, zero))
        under = lesser(voltage - _of(constants.floor, i), zero)
        store(p, i, _of(constants.keep_v, i) * load(p, i) + _of(constants.depth, i) * under)


@numba.njit(nogil=True)
def _flow_back(u, later, state, constants, adapting):
    """Add to the gradient of v what comes through spikes, and take those of u and a a step back.

    `later` begins with the gradient of u of the step before, which in time is the one after.
    What spikes bring is up to date only where their derivative is not zero.
    """
    p, a, derivative, onto_spikes = state[0], state[1], state[2], state[3]
    first, end = adapting
    for i in range(0, len(p), WIDTH):
        brought = load(onto_spikes, i) + _of(constants.rate, i)
        if first <= i < end:
            ahp = load(a, i)
            brought = brought - _of(constants.jump, i) * ahp
            both = load(p, i) + load(derivative, i) * brought
            store(a, i, both + _of(constants.keep_a, i) * ahp)
        else:
            both = load(p, i) + load(derivative, i) * brought
        store(p, i, both)
        store(u, i, both + _of(constants.keep_u, i) * load(later, i))


@numba.njit(nogil=True)
def _clear(backlog, spiked, n_spikes, grads):
    """Add to the gradients of every neuron's outgoing weights those of the steps in which it spiked."""
    for i in range(len(n_spikes)):
        if n_spikes[i]:
            add_rows(grads[i], backlog, spiked[i, : n_spikes[i]])
            n_spikes[i] = 0


@numba.njit(nogil=True)
def _follow(total, u, state, current, voltage, ahp):
    """Add to the gradients of what a step forgets of u, v and a, and of the bias."""
    p, a = state[0], state[1]
    by_u, by_v, by_a, by_bias = total[0], total[1], total[2], total[4]
    for i in range(0, len(p), WIDTH):
        store(by_u, i, load(by_u, i) + load(u, i) * load(current, i))
        store(by_v, i, load(by_v, i) + load(p, i) * load(voltage, i))
        store(by_a, i, load(by_a, i) + load(a, i) * load(ahp, i))
        store(by_bias, i, load(by_bias, i) - load(p, i))
