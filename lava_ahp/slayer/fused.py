"""The passes of :mod:`lava_ahp.slayer.kernel`, compiled for the CPU.

Forward is the integer step of :mod:`lava_ahp.dynamics`, compiled by Numba, one sample
after the other, driven by spikes. Backward adds the weight gradients of neurons that
spiked only, and computes what flows back through the weights only where the surrogate
is not zero.

A batch is cut into chunks that do not depend on the number of threads, and what they
give is added in their order: results are the same bits on any number of cores.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np
import torch
from numba.extending import register_jitable

from lava_ahp import dynamics
from lava_ahp.slayer.surrogate import Triangular

CHUNKS = 8
"""Parts of a batch that run side by side."""

for _function in (
    dynamics.decay,
    dynamics.wrap24,
    dynamics.sat24,
    dynamics.synaptic_current,
    dynamics.ahp_current,
    dynamics.potential,
    dynamics.fire,
    dynamics.fixed_potential,
):
    register_jitable(_function)

_fixed_potential, _fire = dynamics.fixed_potential, dynamics.fire
_State, _Coefficients = dynamics.State, dynamics.FixedCoefficients


def forward(z, recurrent, c, units, state, currents):
    """As :func:`lava_ahp.slayer.kernel.unrolled_forward`, with the same bits."""
    n_steps, batch, n = z.shape
    spikes, potential, current, ahp = (
        torch.empty_like(z) if wanted else z.new_empty((0, 0, 0))
        for wanted in (True, True, currents, currents)
    )
    held = torch.empty(z.shape if c.refractory.any() else (0, 0, 0), dtype=torch.bool)
    unit = np.broadcast_to(units.weight.numpy(), (n,)).astype(np.float32)
    loop = np.empty((0, n), np.int32)
    if recurrent is not None:
        loop = np.ascontiguousarray(np.rint(recurrent.numpy().T / unit).astype(np.int32))
    last = np.stack([value.numpy() for value in state])
    _run_chunks(
        _forward,
        batch,
        z.numpy(),
        1 / unit,
        np.float32(units.state),
        loop,
        np.stack([np.broadcast_to(value.numpy(), (n,)) for value in c]),
        last,
        *(recording.numpy() for recording in (spikes, potential, current, ahp, held)),
    )
    state = dynamics.State(*(torch.from_numpy(value) for value in last))
    return spikes, potential, current, ahp, held if len(held) else None, state


def backward(
    grad_spikes,
    grad_potential,
    spikes,
    potential,
    surrogate,
    threshold,
    held,
    recurrent,
    keep,
    jump,
    before,
    decays,
):
    """As :func:`lava_ahp.slayer.kernel.unrolled_backward`, up to the order of sums."""
    n_steps, batch, n = spikes.shape
    grad_u, grad_v, grad_a = (
        torch.empty_like(spikes) if wanted else spikes.new_empty((0, 0, 0))
        for wanted in (True, decays, decays)
    )
    loop = np.empty((0, n), np.float32)
    if recurrent is not None:
        loop = np.ascontiguousarray(recurrent.numpy().T)
    grad_loop = np.zeros((CHUNKS, *loop.shape), np.float32)
    # The triangle is computed on the way; any other surrogate beforehand.
    triangular = isinstance(surrogate, Triangular)
    psi = spikes.new_empty((0, 0, 0)) if triangular else surrogate(potential, threshold)
    height = threshold.new_tensor(surrogate.damping if triangular else 0.0) / threshold
    slope = height / (threshold * (surrogate.width if triangular else 1.0))
    constants = (*keep, jump, threshold, height, slope)
    _run_chunks(
        _backward,
        batch,
        grad_spikes.contiguous().numpy(),
        grad_potential.contiguous().numpy(),
        spikes.numpy(),
        potential.numpy(),
        psi.numpy(),
        np.empty((0, 0, 0), np.bool_) if held is None else held.numpy(),
        loop,
        np.stack([np.broadcast_to(value.detach().numpy(), (n,)) for value in constants]),
        before.expand_as(spikes[0]).contiguous().numpy(),
        grad_u.numpy(),
        grad_v.numpy(),
        grad_a.numpy(),
        grad_loop,
    )
    if recurrent is None:
        return grad_u, grad_v, grad_a, None
    return grad_u, grad_v, grad_a, torch.from_numpy(grad_loop.sum(0).T)


@cache
def _pool():
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)


def _run_chunks(function, batch, *arrays):
    bounds = np.linspace(0, batch, CHUNKS + 1).astype(int)
    chunks = zip(range(CHUNKS), bounds[:-1], bounds[1:])
    jobs = [_pool().submit(function, *chunk, *arrays) for chunk in chunks if chunk[1] < chunk[2]]
    for job in jobs:
        job.result()


@numba.njit(nogil=True)
def _forward(
    chunk, start, stop, z, scale, unit, loop, c, last, spikes, potential, current, ahp, held
):
    n_steps, _, n = z.shape
    arriving = np.empty(n, np.int64)
    fired = np.empty(n, np.int64)
    for b in range(start, stop):
        n_fired = 0
        if len(loop):
            for i in range(n):
                if last[3, b, i]:
                    fired[n_fired] = i
                    n_fired += 1
        for t in range(n_steps):
            for i in range(n):
                arriving[i] = np.int64(np.rint(z[t, b, i] * scale[i]))
            for k in range(n_fired):
                row = loop[fired[k]]
                for i in range(n):
                    arriving[i] += row[i]
            n_fired = 0
            for i in range(n):
                state = _State(
                    last[0, b, i], last[1, b, i], last[2, b, i], last[3, b, i], last[4, b, i]
                )
                coefficients = _Coefficients(
                    c[0, i], c[1, i], c[2, i], c[3, i], c[4, i], c[5, i], c[6, i], c[7, i]
                )
                u, v, a = _fixed_potential(arriving[i], state, coefficients)
                if len(held):
                    held[t, b, i] = state.hold > 0
                state = _fire(u, v, a, state.hold, c[5, i], c[6, i])
                last[0, b, i] = state.u
                last[1, b, i] = state.v
                last[2, b, i] = state.a
                last[3, b, i] = state.s
                last[4, b, i] = state.hold
                spikes[t, b, i] = state.s
                potential[t, b, i] = v * unit
                if len(current):
                    current[t, b, i] = u * unit
                    ahp[t, b, i] = a * unit
                if state.s and len(loop):
                    fired[n_fired] = i
                    n_fired += 1


@numba.njit(nogil=True, fastmath={"reassoc", "contract"})
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
    first_spikes,
    grad_u,
    grad_v,
    grad_a,
    grad_loop,
):
    n_steps, _, n = spikes.shape
    keep_u, keep_v, keep_a, jump, threshold, height, slope = constants
    du, da, p = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    ds = np.empty(n, np.float32)
    for b in range(start, stop):
        du[:] = 0
        da[:] = 0
        p[:] = 0
        for t in range(n_steps - 1, -1, -1):
            for i in range(n):
                if len(psi):
                    derivative = psi[t, b, i]
                else:
                    distance = abs(potential[t, b, i] - threshold[i])
                    derivative = max(np.float32(0), height[i] - slope[i] * distance)
                ds[i] = 0
                if derivative != 0:
                    flow = np.float32(0)
                    if len(loop):
                        row = loop[i]
                        for k in range(n):
                            flow += row[k] * du[k]
                    ds[i] = derivative * (grad_spikes[t, b, i] - jump[i] * da[i] + flow)
            for i in range(n):
                p[i] = grad_potential[t, b, i] + keep_v[i] * p[i] * (1 - spikes[t, b, i]) + ds[i]
                if len(held) and held[t, b, i]:
                    p[i] = 0
                du[i] = p[i] + keep_u[i] * du[i]
                da[i] = p[i] + keep_a[i] * da[i]
                grad_u[t, b, i] = du[i]
                if len(grad_v):
                    grad_v[t, b, i] = p[i]
                    grad_a[t, b, i] = da[i]
            if len(loop):
                before = spikes[t - 1, b] if t > 0 else first_spikes[b]
                for j in range(n):
                    if before[j] != 0:
                        row = grad_loop[chunk, j]
                        for i in range(n):
                            row[i] += du[i]
