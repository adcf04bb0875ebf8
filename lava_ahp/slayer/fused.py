"""The passes of :mod:`lava_ahp.slayer.kernel`, compiled for the CPU.

Forward is the integer step of :mod:`lava_ahp.dynamics`, compiled by Numba and driven by
spikes. Backward adds the weight gradients of neurons that spiked only.

A batch is cut into chunks that do not depend on the number of threads, and what they
give is added in their order: results are the same bits on any number of cores.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba calls its products
import torch
from numba.extending import register_jitable
from threadpoolctl import ThreadpoolController

import lava_ahp.engine.compiled  # noqa: F401  the arithmetic, for Numba
from lava_ahp import dynamics
from lava_ahp.slayer.recordings import empty
from lava_ahp.slayer.surrogate import Triangular

CHUNK = 8
"""Fewest samples that one thread takes through time together."""

MOST_CHUNKS = 64
"""Most chunks of a batch: each has weight gradients of its own."""

_synaptic_current, _ahp_current = dynamics.synaptic_current, dynamics.ahp_current
_potential, _fire = dynamics.potential, dynamics.fire
_DECAY_UNITY = dynamics.DECAY_UNITY


def forward(z, recurrent, c, units, floor, state, currents):
    """As :func:`lava_ahp.slayer.kernel.unrolled_forward`, with the same bits."""
    n_steps, batch, n = z.shape
    spikes, potential = empty(z.shape), empty(z.shape)
    current, ahp = (empty(z.shape if currents else (0, 0, 0)) for _ in range(2))
    held = torch.empty(z.shape if c.refractory.any() else (0, 0, 0), dtype=torch.bool)
    unit = np.broadcast_to(units.weight.numpy(), (n,)).astype(np.float32)
    loop = np.empty((0, n), np.int32)
    if recurrent is not None:
        loop = np.ascontiguousarray(np.rint(recurrent.numpy().T / unit).astype(np.int32))
    last = np.stack([value.numpy() for value in state], axis=1)
    activity = np.zeros((len(chunk_starts(batch)), 5, n), np.float32)
    activity[:, 3], activity[:, 4] = np.inf, -np.inf
    run_chunks(
        _forward,
        batch,
        z.numpy(),
        1 / unit,
        np.float32(units.state),
        loop,
        np.stack([np.broadcast_to(value.numpy(), (n,)) for value in c]),
        np.broadcast_to(floor.numpy(), (n,)),
        last,
        *(recording.numpy() for recording in (spikes, potential, current, ahp, held)),
        activity,
    )
    state = dynamics.State(*(torch.from_numpy(value) for value in last.swapaxes(0, 1)))
    means = activity[:, :3].sum(0) / np.float32(n_steps * batch)
    activity = (*means, activity[:, 3].min(0), activity[:, 4].max(0))
    activity = [torch.from_numpy(np.ascontiguousarray(value)) for value in activity]
    return spikes, potential, current, ahp, held if len(held) else None, state, activity


def backward(grad, tape):
    """As :func:`lava_ahp.slayer.kernel.unrolled_backward`, up to the order of sums."""
    spikes, potential, surrogate = tape.spikes, tape.potential, tape.surrogate
    n_steps, batch, n = spikes.shape
    none = np.empty((0, 0, 0), np.float32)
    grad_u = empty(spikes.shape)
    grad_v, grad_a = (empty(spikes.shape if tape.decays else (0, 0, 0)) for _ in range(2))
    loop = np.empty((0, n), np.float32) if tape.recurrent is None else tape.recurrent.numpy()
    grad_loop = np.zeros((len(chunk_starts(batch)), *loop.shape), np.float32)
    # The triangle is computed on the way; any other surrogate beforehand.
    triangular = isinstance(surrogate, Triangular)
    psi = none if triangular else surrogate(potential, tape.threshold).numpy()
    height = tape.threshold.new_tensor(surrogate.damping if triangular else 0.0) / tape.threshold
    slope = height / (tape.threshold * (surrogate.width if triangular else 1.0))
    constants = (*tape.keep, tape.jump, tape.threshold, height, slope, tape.floor)
    constants += (grad.rate / (n_steps * batch), grad.depth * 2 / (n_steps * batch))
    run_chunks(
        _backward,
        batch,
        none if grad.spikes is None else grad.spikes.contiguous().numpy(),
        none if grad.potential is None else grad.potential.contiguous().numpy(),
        spikes.numpy(),
        potential.numpy(),
        psi,
        np.empty((0, 0, 0), np.bool_) if tape.held is None else tape.held.numpy(),
        np.ascontiguousarray(loop),
        np.stack([np.broadcast_to(value.detach().numpy(), (n,)) for value in constants]),
        tape.before.expand_as(spikes[0]).contiguous().numpy(),
        grad_u.numpy(),
        grad_v.numpy(),
        grad_a.numpy(),
        grad_loop,
    )
    if tape.recurrent is None:
        return grad_u, grad_v, grad_a, None
    return grad_u, grad_v, grad_a, torch.from_numpy(grad_loop.sum(0).T)


@cache
def _pool():
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)


@cache
def _libraries():
    return ThreadpoolController()


def chunk_starts(batch):
    """Where the chunks of a batch begin, a range: the same on any number of cores."""
    return range(0, batch, max(CHUNK, -(-batch // MOST_CHUNKS)))


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


@register_jitable
def _record(recording, t, b, value, unit):
    if len(recording):
        row = recording[t, b]
        for i in range(len(value)):
            row[i] = value[i] * unit


@numba.njit(nogil=True)
def _forward(
    chunk,
    start,
    stop,
    z,
    scale,
    unit,
    loop,
    c,
    floor,
    last,
    spikes,
    potential,
    current,
    ahp,
    held,
    activity,
):
    n_steps, _, n = z.shape
    decay_u, decay_v, decay_a, jump = c[0], c[1], c[2], c[3]
    in_shift, threshold, refractory, bias = c[4], c[5], c[6], c[7]
    rate, depth, below = activity[chunk, 0], activity[chunk, 1], activity[chunk, 2]
    v_min, v_max = activity[chunk, 3], activity[chunk, 4]
    # Sums of weights fit into 32 bits; the arithmetic itself has 64.
    arriving, p = np.empty(n, np.int32), np.empty(n, np.int64)
    fired = np.empty(n + 1, np.int64)
    # A current that is forgotten at once needs no decay, and no AHP current stays 0.
    remembers = (decay_u != _DECAY_UNITY).any()
    adapts = jump.any() or last[start:stop, 2].any()
    # Loops over few arrays each, which the compiler turns into vector instructions.
    for t in range(n_steps):
        for b in range(start, stop):
            u, v, a, s, hold = last[b, 0], last[b, 1], last[b, 2], last[b, 3], last[b, 4]
            values = z[t, b]
            for i in range(n):
                arriving[i] = np.int32(np.rint(values[i] * scale[i]))
            if len(loop):
                n_fired = 0
                for i in range(n):
                    fired[n_fired] = i
                    n_fired += s[i]
                for k in range(n_fired):
                    row = loop[fired[k]]
                    for i in range(n):
                        arriving[i] += row[i]
            if len(held):
                for i in range(n):
                    held[t, b, i] = hold[i] > 0
            if remembers:
                for i in range(n):
                    u[i] = _synaptic_current(
                        u[i], np.int64(arriving[i]), decay_u[i], in_shift[i]
                    )
            else:
                for i in range(n):
                    u[i] = _synaptic_current(
                        np.int64(0), np.int64(arriving[i]), _DECAY_UNITY, in_shift[i]
                    )
            if adapts:
                for i in range(n):
                    a[i] = _ahp_current(a[i], s[i], decay_a[i], jump[i])
            for i in range(n):
                p[i] = _potential(v[i], u[i] + a[i] + bias[i], hold[i], decay_v[i])
            for i in range(n):
                state = _fire(u[i], p[i], a[i], hold[i], threshold[i], refractory[i])
                v[i], s[i], hold[i] = state.v, state.s, state.hold
            _record(spikes, t, b, s, np.float32(1))
            _record(potential, t, b, p, unit)
            _record(current, t, b, u, unit)
            _record(ahp, t, b, a, unit)
            voltage = potential[t, b]
            for i in range(n):
                rate[i] += s[i]
            for i in range(n):
                under = min(voltage[i] - floor[i], np.float32(0))
                depth[i] += under * under
            for i in range(n):
                below[i] += voltage[i] < floor[i]
            for i in range(n):
                v_min[i] = min(v_min[i], voltage[i])
                v_max[i] = max(v_max[i], voltage[i])


@numba.njit(nogil=True, fastmath={"contract"})
def _backward(
    chunk,
    start,
    stop,
    grad_spikes,
    grad_potential,
    spikes,
    potential,
    psi,
    held,
    loop,
    constants,
    before,
    grad_u,
    grad_v,
    grad_a,
    grad_loop,
):
    n_steps, _, n = spikes.shape
    keep_u, keep_v, keep_a, jump = constants[0], constants[1], constants[2], constants[3]
    threshold, height, slope = constants[4], constants[5], constants[6]
    floor, rate, depth = constants[7], constants[8], constants[9]
    shape = (stop - start, n)
    flow = np.zeros(shape, np.float32)
    du, da, p = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    derivative, drop = np.empty(n, np.float32), np.empty(n, np.float32)
    fired = np.empty(n + 1, np.int64)
    for t in range(n_steps - 1, -1, -1):
        if len(loop):
            np.dot(du, loop, flow)
        else:
            flow[:] = 0
        for b in range(start, stop):
            s, v = spikes[t, b], potential[t, b]
            ds, dp, dcurrent, dahp = flow[b - start], p[b - start], du[b - start], da[b - start]
            if len(psi):
                derivative[:] = psi[t, b]
            else:
                for i in range(n):
                    distance = abs(v[i] - threshold[i])
                    derivative[i] = max(np.float32(0), height[i] - slope[i] * distance)
            for i in range(n):
                ds[i] += rate[i] - jump[i] * dahp[i]
            if len(grad_spikes):
                row = grad_spikes[t, b]
                for i in range(n):
                    ds[i] += row[i]
            for i in range(n):
                drop[i] = depth[i] * min(v[i] - floor[i], np.float32(0))
            for i in range(n):
                dp[i] = keep_v[i] * dp[i] * (1 - s[i]) + drop[i]
            for i in range(n):
                dp[i] += derivative[i] * ds[i]
            if len(grad_potential):
                row = grad_potential[t, b]
                for i in range(n):
                    dp[i] += row[i]
            if len(held):
                for i in range(n):
                    if held[t, b, i]:
                        dp[i] = 0
            for i in range(n):
                dcurrent[i] = dp[i] + keep_u[i] * dcurrent[i]
            for i in range(n):
                dahp[i] = dp[i] + keep_a[i] * dahp[i]
            row = grad_u[t, b]
            for i in range(n):
                row[i] = dcurrent[i]
            if len(grad_v):
                grad_v[t, b] = dp
                grad_a[t, b] = dahp
            if len(loop):
                sent = spikes[t - 1, b] if t > 0 else before[b]
                n_fired = 0
                for i in range(n):
                    fired[n_fired] = i
                    n_fired += np.int64(sent[i] != 0)
                for k in range(n_fired):
                    row = grad_loop[chunk, fired[k]]
                    for i in range(n):
                        row[i] += dcurrent[i]
