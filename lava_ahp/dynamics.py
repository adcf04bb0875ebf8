"""The arithmetic of an AHP neuron: one pure integer step, one pure float step.

Everything that simulates or trains a network calls the functions of this file
or is compiled from them; no other file owns arithmetic.

The integer functions use comparisons and integer operations only. They therefore
run unchanged on NumPy arrays, on torch tensors of dtype int64 and, as scalars,
inside Numba.

One step `t` of one neuron, all quantities integers::

    u[t] = wrap24( decay(u[t-1], decay_u) + (x[t] << in_shift) )
    a[t] = sat24( decay(a[t-1], decay_a) - jump * s[t-1] )
    v[t] = sat24( decay(v[t-1], decay_v) + u[t] + a[t] + bias )
    s[t] = v[t] > threshold;    v[t] = 0 where s[t]

`x[t]` is the sum of the weights of the spikes that arrive in step `t`. In the
`refractory` steps after a spike `v` is held at 0 while `u` and `a` go on.

References
----------
Davies et al., "Loihi: a neuromorphic manycore processor with on-chip learning",
IEEE Micro 38(1), 2018; Rao, Plank, Wild and Maass, "A long short-term memory for
AI applications in spike-based neuromorphic hardware", Nature Machine
Intelligence 4, 2022.
"""

from typing import Any, NamedTuple

DECAY_SHIFT = 12
"""Bits of a decay: a decay of `1 << DECAY_SHIFT` forgets everything in one step."""

DECAY_UNITY = 1 << DECAY_SHIFT
"""The decay that forgets everything in one step."""

STATE_SHIFT = 6
"""Bits by which weights and thresholds are shifted up to the scale of the states."""

STATE_MAX = (1 << 23) - 1
"""Largest magnitude of a saturating state, a signed 24-bit word."""

STATE_BITS = 24
"""Bits of a state, a signed word."""

STATE_MASK = (1 << STATE_BITS) - 1
"""The 24 bits of a state."""


class State(NamedTuple):
    """State of a population after a step; all fields have the population's shape.

    Attributes
    ----------
    u, v, a
        Synaptic current, membrane voltage after the reset, and AHP current.
    s
        Spikes of the step, 0 or 1.
    hold
        Remaining steps in which `v` is held at 0.
    """

    u: Any
    v: Any
    a: Any
    s: Any
    hold: Any


class FixedCoefficients(NamedTuple):
    """Constants of the integer step, at the scale of the states.

    Made from hardware parameters by
    :meth:`lava_ahp.neuron.FixedAHPParameters.coefficients`.
    """

    decay_u: Any
    decay_v: Any
    decay_a: Any
    jump: Any
    in_shift: Any
    threshold: Any
    refractory: Any
    bias: Any


class FloatCoefficients(NamedTuple):
    """Constants of the float step; decays are fractions forgotten in a step."""

    decay_u: Any
    decay_v: Any
    decay_a: Any
    jump: Any
    threshold: Any
    refractory: Any
    bias: Any


def decay(state, amount):
    """Decayed state, `sign(x) * ((|x| * (4096 - d)) >> 12)`: truncated towards zero.

    The addition of 4095 to negative products turns the rounding of the
    arithmetic shift, towards minus infinity, into one towards zero. Products of the
    upper and the lower bits of a state, apart, have less than 32 bits.
    """
    keep, fraction = DECAY_UNITY - amount, DECAY_UNITY - 1
    round_up = (state >> STATE_BITS) & fraction
    return (state >> DECAY_SHIFT) * keep + (((state & fraction) * keep + round_up) >> DECAY_SHIFT)


def wrap24(value):
    """Value wrapped around to 24 bits, in (-2^23, 2^23]."""
    return ((value + STATE_MAX) & STATE_MASK) - STATE_MAX


def sat24(value):
    """Value saturated at +-(2^23 - 1)."""
    over = (value > STATE_MAX) * (value - STATE_MAX)
    under = (value < -STATE_MAX) * (value + STATE_MAX)
    return value - over - under


def current_sum(u, x, decay_u, in_shift):
    """Synaptic current before it wraps around, from the last one and the arriving weights."""
    return decay(u, decay_u) + (x << in_shift)


def ahp_sum(a, s, decay_a, jump):
    """AHP current before it saturates, from the last one and the last step's spikes."""
    return decay(a, decay_a) - jump * s


def potential_sum(v, drive, decay_v):
    """Voltage before it saturates, from the last one and `drive`, which is u + a + bias."""
    return decay(v, decay_v) + drive


def synaptic_current(u, x, decay_u, in_shift):
    """Current `u` of this step, from the last one and the arriving weights `x`."""
    return wrap24(current_sum(u, x, decay_u, in_shift))


def ahp_current(a, s, decay_a, jump):
    """AHP current `a` of this step, from the last one and the last step's spikes."""
    return sat24(ahp_sum(a, s, decay_a, jump))


def potential(v, drive, hold, decay_v):
    """Voltage of this step before the threshold; 0 in refractory neurons.

    `drive` is everything that is added to the decayed voltage: u + a + bias.
    """
    return sat24(potential_sum(v, drive, decay_v)) * (hold == 0)


def fire(u, v, a, hold, threshold, refractory):
    """State after the spikes of a step: `v` above the threshold spikes and resets."""
    s = (v > threshold) * 1
    silent = 1 - s
    return State(
        u=u,
        v=v * silent,
        a=a,
        s=s,
        hold=refractory * s + (hold - 1) * (hold > 0) * silent,
    )


def fixed_potential(x, state, c):
    """First half of the integer step: `(u, v, a)` with `v` before the threshold."""
    u = synaptic_current(state.u, x, c.decay_u, c.in_shift)
    a = ahp_current(state.a, state.s, c.decay_a, c.jump)
    v = potential(state.v, u + a + c.bias, state.hold, c.decay_v)
    return u, v, a


def fixed_step(x, state, c):
    """Advance a population by one step in hardware integers.

    Parameters
    ----------
    x : int or array of int64
        Sum of the weights of the spikes that arrive in this step, per neuron.
    state : State
        State after the previous step, int64.
    c : FixedCoefficients
        Constants, each a scalar or one value per neuron, int64.

    Returns
    -------
    State
        State after this step; its field `s` holds the spikes of this step.
    """
    u, v, a = fixed_potential(x, state, c)
    return fire(u, v, a, state.hold, c.threshold, c.refractory)


def float_step(x, state, c):
    """Advance a population by one step of the same equations without rounding.

    Parameters
    ----------
    x : float or array of float
        Sum of the weights of the spikes that arrive in this step, per neuron.
    state : State
        State after the previous step.
    c : FloatCoefficients
        Constants, each a scalar or one value per neuron.

    Returns
    -------
    State
        State after this step; its field `s` holds the spikes of this step.
    """
    u = state.u * (1 - c.decay_u) + x
    a = state.a * (1 - c.decay_a) - c.jump * state.s
    v = (state.v * (1 - c.decay_v) + u + c.bias + a) * (state.hold == 0)
    return fire(u, v, a, state.hold, c.threshold, c.refractory)


def resting_state(zeros):
    """State of a population at rest; `zeros` is an array of zeros of its shape."""
    return State(u=zeros, v=zeros, a=zeros, s=zeros, hold=zeros)
