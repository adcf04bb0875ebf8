"""The compiled loop over samples, steps and spikes.

In each step what arrives is read from a slot of a ring of sums, one slot for each step
ahead; neurons advance by the step of :mod:`lava_ahp.dynamics`; those that fire add the
weights of their synapses to later slots. Silent neurons and channels add nothing.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from lava_ahp.dynamics import (
    ahp_current,
    ahp_sum,
    current_sum,
    fire,
    potential,
    potential_sum,
    sat24,
    synaptic_current,
)
from lava_ahp.engine.compiled import compiled


class Memory(NamedTuple):
    """State of samples that run side by side.

    Attributes
    ----------
    u, v, a, s, hold : ndarray of int32, shape (batch, n_neurons)
        As :class:`lava_ahp.dynamics.State`.
    arriving : ndarray of int32 or int64, shape (batch, n_slots * n_neurons)
        Sums of weights that arrive in this step and the next ones, a ring of slots. Sums
        of spikes fit into 32 bits, those of integers need 64.
    sent : ndarray, shape (batch, n_channels)
        Input of the step before.
    """

    u: Any
    v: Any
    a: Any
    s: Any
    hold: Any
    arriving: Any
    sent: Any


class Counts(NamedTuple):
    """What has happened in the samples so far.

    Attributes
    ----------
    input_spikes : ndarray of int64, shape (batch, n_channels)
        Values other than 0 that have been sent on.
    spikes, wraps, saturations : ndarray of int64, shape (batch, n_neurons)
    v_min, v_max : ndarray of int32, shape (batch, n_neurons)
        Of the voltage before the reset by a spike.
    """

    input_spikes: Any
    spikes: Any
    wraps: Any
    saturations: Any
    v_min: Any
    v_max: Any


class Recordings(NamedTuple):
    """Where each step is written to; shape (batch, time, n_neurons), or empty.

    Attributes
    ----------
    spikes : ndarray of uint8
    u, v, a : ndarray of int32
    """

    spikes: Any
    u: Any
    v: Any
    a: Any


@register_jitable
def _send(values, first, counts, synapses, ring, here, active):
    """Add the weights of sources that send, times what they send, to the sums of the ring.

    `values` are those of the sources from `first` on. A delay of 0 arrives in the slot that
    begins at `here`.
    """
    n_active = 0
    for i in range(len(values)):
        active[n_active] = i
        n_active += values[i] != 0
    # Out of their tuple once: taken out within a loop, they keep it from being vectorised.
    row_start, row, row_weight = synapses.row_start, synapses.row, synapses.row_weight
    start, target, weight = synapses.start, synapses.target, synapses.weight
    # Numba asks of a signed index whether it counts from the end.
    origin, size = np.uint64(here), np.uint64(len(ring))
    for k in range(n_active):
        i = active[k]
        strength, source = values[i], first + i
        counts[i] += 1
        for r in range(row_start[source], row_start[source + 1]):
            place, to, n = row[r, 0], row[r, 1], row[r, 2]
            to += here
            to -= len(ring) * (to >= len(ring))
            weights, sums = row_weight[place : place + n], ring[to : to + n]
            for j in range(n):
                sums[j] += weights[j] * strength
        for r in range(start[source], start[source + 1]):
            place = origin + np.uint64(target[r])
            if place >= size:
                place -= size
            ring[place] += weight[r] * strength


@register_jitable
def _record(recording, b, t, values):
    if len(recording):
        row = recording[b, t]
        for i in range(len(values)):
            row[i] = values[i]


@compiled()
def advance(values, first, last, slot, direct, synapses, c, memory, counts, recordings):
    """Take samples through steps, one sample after the other.

    Parameters
    ----------
    values : ndarray, shape (batch, time, n_channels)
        Input of each step.
    first, last : int
        The steps to take, the last one excluded.
    slot : int
        Slot of the first of them.
    direct : bool
        Whether the input enters the first neurons in its step, with no synapses.
    synapses : Synapses
    c : FixedCoefficients
        Arrays of int32, shape (n_neurons,).
    memory : Memory
    counts : Counts
    recordings : Recordings
    """
    n_samples, _, n_channels = values.shape
    n = memory.u.shape[1]
    drive, p = np.empty(n, np.int32), np.empty(n, np.int32)
    wraps, saturations = np.empty(n, np.int32), np.empty(n, np.int32)
    active = np.empty(max(n, n_channels) + 1, np.int64)
    # Out of their tuples once: taken out within a loop, they keep it from being vectorised.
    decay_u, decay_v, decay_a, jump = c.decay_u, c.decay_v, c.decay_a, c.jump
    in_shift, threshold, refractory, bias = c.in_shift, c.threshold, c.refractory, c.bias
    for b in range(n_samples):
        u, v, a, s, hold = memory.u[b], memory.v[b], memory.a[b], memory.s[b], memory.hold[b]
        ring, sent = memory.arriving[b], memory.sent[b]
        v_min, v_max = counts.v_min[b], counts.v_max[b]
        input_spikes, spikes = counts.input_spikes[b], counts.spikes[b]
        wraps[:], saturations[:] = 0, 0
        here = slot * n
        # Loops over few arrays each, which the compiler turns into vector instructions.
        for t in range(first, last):
            x = ring[here : here + n]
            if direct:
                now = values[b, t]
                for i in range(n_channels):
                    x[i] += now[i]
                for i in range(n_channels):
                    input_spikes[i] += now[i] != 0
            else:
                before = values[b, t - 1] if t > first else sent
                _send(before, 0, input_spikes, synapses, ring, here, active)
            for i in range(n):
                total = current_sum(u[i], x[i], decay_u[i], in_shift[i])
                u[i] = synaptic_current(u[i], x[i], decay_u[i], in_shift[i])
                wraps[i] += u[i] != total
            for i in range(n):
                x[i] = 0
            for i in range(n):
                total = ahp_sum(a[i], s[i], decay_a[i], jump[i])
                a[i] = ahp_current(a[i], s[i], decay_a[i], jump[i])
                saturations[i] += a[i] != total
            for i in range(n):
                drive[i] = u[i] + a[i] + bias[i]
            for i in range(n):
                total = potential_sum(v[i], drive[i], decay_v[i])
                p[i] = potential(v[i], drive[i], hold[i], decay_v[i])
                saturations[i] += (sat24(total) != total) & (hold[i] == 0)
            for i in range(n):
                v_min[i] = min(v_min[i], p[i])
                v_max[i] = max(v_max[i], p[i])
            for i in range(n):
                state = fire(u[i], p[i], a[i], hold[i], threshold[i], refractory[i])
                v[i], s[i], hold[i] = state.v, state.s, state.hold
            here = here + n if here + n < len(ring) else 0
            _send(s, n_channels, spikes, synapses, ring, here, active)
            _record(recordings.spikes, b, t, s)
            _record(recordings.u, b, t, u)
            _record(recordings.v, b, t, v)
            _record(recordings.a, b, t, a)
        sent[:] = values[b, last - 1]
        for i in range(n):
            counts.wraps[b, i] += wraps[i]
            counts.saturations[b, i] += saturations[i]
