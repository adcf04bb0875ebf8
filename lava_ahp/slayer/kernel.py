"""A population over time: integer steps forward, surrogate gradients backward.

The forward pass is the integer step of :mod:`lava_ahp.dynamics`: on a CPU compiled
into a loop over samples (:mod:`lava_ahp.slayer.fused`), elsewhere called on int64
tensors, with the same bits. The connections onto the population, within it and to the next
one are part of it, because products with spikes are cheap where the spikes are at hand.

The backward pass is backpropagation through time of the same equations without rounding, wrap
and saturation; the reset is a constant, as in SLAYER and LSNN. With `p(t)` the derivative of
the loss with respect to the voltage before the reset::

    ds(t) = dL/ds(t) + R' du(t+1) - jump da(t+1)
    p(t)  = dL/dv(t) + (1 - decay_v) p(t+1) (1 - s(t)) + psi(v(t)) ds(t)
    du(t) = p(t) + (1 - decay_u) du(t+1)
    da(t) = p(t) + (1 - decay_a) da(t+1)

where `p(t) = 0` in refractory steps.
"""

from typing import Any, NamedTuple

import torch

from lava_ahp.dynamics import DECAY_UNITY, State, fire, fixed_potential
from lava_ahp.slayer import fused
from lava_ahp.slayer.shift import moved

RECORDABLE = "spikes", "potential", "current", "ahp"
"""What can be recorded of every step."""

VOLTAGE_FLOOR = -1.0
"""Voltage, in thresholds, below which a neuron is far from firing and hard to train."""


class Units(NamedTuple):
    """Float values that stand for the integer 1.

    Attributes
    ----------
    weight : Tensor, shape () or (neuron,)
        Of a weight onto a neuron.
    state : float
        Of a current or voltage.
    """

    weight: torch.Tensor
    state: float


class Activity(NamedTuple):
    """What each neuron did, over all samples and steps; tensors of shape (neuron,).

    Attributes
    ----------
    rate : Tensor
        Mean number of spikes in a step. Gradients flow through it.
    depth : Tensor
        Mean square of the voltage's distance below -1 threshold, in thresholds.
        Gradients flow through it.
    below : Tensor
        Share of steps with a voltage below -1 threshold.
    v_min, v_max : Tensor
        Lowest and highest voltage before the reset, in thresholds.
    """

    rate: torch.Tensor
    depth: torch.Tensor
    below: torch.Tensor
    v_min: torch.Tensor
    v_max: torch.Tensor


class Synapses(NamedTuple):
    """Connections of a population; all weights are on the grid of the hardware.

    Attributes
    ----------
    inputs : Tensor or None, shape (neuron, source)
        Weights of the input; None where it is weighted already.
    recurrent : Tensor or None, shape (neuron, neuron)
        Weights from the population (columns) to itself (rows).
    onto : Tensor or None, shape (target, neuron)
        Weights onto the next population, where spikes arrive one step later.
    """

    inputs: Any
    recurrent: Any
    onto: Any


class Constants(NamedTuple):
    """What of a population's neurons gradients go to, tensors of shape (1,) or (neuron,).

    Attributes
    ----------
    decay_u, decay_v, decay_a : Tensor
        Out of 4096, rounded.
    jump, bias : Tensor
        What a spike takes off the AHP current, and what is added to the voltage in every step.
    """

    decay_u: torch.Tensor
    decay_v: torch.Tensor
    decay_a: torch.Tensor
    jump: torch.Tensor
    bias: torch.Tensor


class Tape(NamedTuple):
    """What the backward pass needs of the forward pass.

    Attributes
    ----------
    spikes, potential : Tensor, shape (batch, time, neuron)
        The compiled passes need no spikes.
    current, ahp : Tensor, shape (batch, time, neuron)
        Empty unless `needs_constants`.
    first : State
        Before the first step, shape (batch, neuron).
    memory : any
        What the forward pass hands to the backward pass of its kind.
    keep : list of three Tensors, shape (1,) or (neuron,)
        What is left of u, v and a after a step, as fractions.
    jump, threshold, floor : Tensor, shape () or (neuron,)
    surrogate : callable
    needs_x, needs_constants : bool
        Whether the gradients of the input are wanted, and those of :class:`Constants`.
    """

    spikes: torch.Tensor
    potential: torch.Tensor
    current: torch.Tensor
    ahp: torch.Tensor
    first: State
    memory: Any
    keep: list
    jump: torch.Tensor
    threshold: torch.Tensor
    floor: torch.Tensor
    surrogate: Any
    needs_x: bool
    needs_constants: bool


class Gradients(NamedTuple):
    """Derivatives of the loss with respect to what the forward pass gave.

    Attributes
    ----------
    spikes, potential : Tensor or None, shape (batch, time, neuron)
    sent : Tensor or None, shape (batch, time, target)
    rate, depth : Tensor, shape (neuron,)
    """

    spikes: Any
    potential: Any
    sent: Any
    rate: torch.Tensor
    depth: torch.Tensor


class Population(torch.autograd.Function):
    """Runs a population; call through :func:`run`."""

    @staticmethod
    def forward(ctx, x, inputs, recurrent, onto, *constants_and_settings):
        ctx.set_materialize_grads(False)
        *constants, (c, units, surrogate, state, record) = constants_and_settings
        ctx.needs_constants = any(ctx.needs_input_grad[4:-1])
        if ctx.needs_constants:
            record = {*record, "current", "ahp"}
        forward = fused.forward if _fits_fused(x) else unrolled_forward
        threshold = c.threshold.to(x.dtype) * units.state
        floor = VOLTAGE_FLOOR * threshold
        synapses = Synapses(inputs, recurrent, onto)
        # Sums of integers are exact in 32 bits, not in 16.
        with torch.autocast(x.device.type, enabled=False):
            spikes, potential, current, ahp, sent, ctx.memory, last, activity = forward(
                x, synapses, c, units, floor, state, record
            )
        ctx.save_for_backward(
            x, inputs, recurrent, onto, *constants, spikes, potential, current, ahp
        )
        ctx.surrogate, ctx.threshold, ctx.floor = surrogate, threshold, floor
        ctx.jump = c.jump.to(x.dtype) * units.state
        scale = State(*(units.state,) * 3, 1, 1)
        ctx.first = State(*(value.to(x.dtype) * unit for value, unit in zip(state, scale)))
        ctx.mark_non_differentiable(current, ahp, *activity[2:], *last)
        return spikes, potential, current, ahp, sent, *activity, *last

    @staticmethod
    def backward(ctx, grad_spikes, grad_potential, _current, _ahp, grad_sent, grad_rate, grad_depth, *_):
        x, inputs, recurrent, onto, *constants, spikes, potential, current, ahp = ctx.saved_tensors
        synapses = Synapses(inputs, recurrent, onto)
        tape = Tape(
            spikes,
            potential,
            current,
            ahp,
            ctx.first,
            ctx.memory,
            [1 - decay / DECAY_UNITY for decay in constants[:3]],
            ctx.jump,
            ctx.threshold,
            ctx.floor,
            ctx.surrogate,
            ctx.needs_input_grad[0],
            ctx.needs_constants,
        )
        zeros = potential.new_zeros(potential.shape[-1])
        grad = Gradients(
            grad_spikes,
            grad_potential,
            grad_sent,
            zeros if grad_rate is None else grad_rate,
            zeros if grad_depth is None else grad_depth,
        )
        backward = fused.backward if _fits_fused(potential) else unrolled_backward
        *grads, by_constant = backward(grad, x, synapses, tape)
        if by_constant is None:
            by_constant = (None,) * len(constants)
        else:
            u, v, a, jump, bias = (
                total.sum_to_size(value.shape) for total, value in zip(by_constant, constants)
            )
            by_constant = u / DECAY_UNITY, v / DECAY_UNITY, a / DECAY_UNITY, jump, bias
        return (*grads, *by_constant, None)


def unrolled_forward(x, synapses, c, units, floor, state, record):
    """The forward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    x, synapses, c, units, state
        As for :func:`run`.
    floor : Tensor, shape () or (neuron,)
        Voltage below which `depth` and `below` count.
    record : collection of str
        Which of the following four to give; the others may be empty.

    Returns
    -------
    spikes, potential, current, ahp : Tensor of float, shape (batch, time, neuron)
    sent : Tensor of float, shape (batch, time, target)
    memory : Tensor of bool or None, shape (batch, time, neuron)
        Where the voltage was held at 0; None without refractory period.
    state : State
        After the last step.
    activity : list of five Tensors, shape (neuron,)
        As :class:`Activity`, in the unit of the voltages.
    """
    z = x if synapses.inputs is None else x @ synapses.inputs.T
    arriving = torch.round(z / units.weight)
    loop = None if synapses.recurrent is None else torch.round(synapses.recurrent.T / units.weight)
    spikes, potential = torch.empty_like(z), torch.empty_like(z)
    current, ahp = (
        torch.empty_like(z) if name in record else z.new_empty((0, 0, 0))
        for name in ("current", "ahp")
    )
    held = torch.empty_like(z, dtype=torch.bool) if c.refractory.any() else None
    before = state.s.to(z.dtype)
    for t in range(z.shape[1]):
        now = arriving[:, t]
        if loop is not None:
            # Exact in float32: sums of integers below 2**24.
            now = now + state.s.to(z.dtype) @ loop
        if held is not None:
            held[:, t] = state.hold > 0
        u, v, a = fixed_potential(now.to(torch.int64), state, c)
        state = fire(u, v, a, state.hold, c.threshold, c.refractory)
        spikes[:, t], potential[:, t] = state.s, v * units.state
        if len(current):
            current[:, t] = u * units.state
        if len(ahp):
            ahp[:, t] = a * units.state
    onto = z.new_empty((0, z.shape[-1])) if synapses.onto is None else synapses.onto
    sent = _before(spikes, before) @ onto.T
    under = (potential - floor).clamp(max=0)
    means = [value.mean((0, 1)) for value in (spikes, under.square(), (under < 0).to(z.dtype))]
    activity = [*means, potential.amin((0, 1)), potential.amax((0, 1))]
    return spikes, potential, current, ahp, sent, held, state, activity


def unrolled_backward(grad, x, synapses, tape):
    """The backward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    grad : Gradients
    x, synapses
        As for :func:`run`.
    tape : Tape

    Returns
    -------
    grad_x : Tensor or None, shape (batch, time, source)
    grad_inputs, grad_recurrent, grad_onto : Tensor or None
        As the weights of `synapses`.
    by_constant : tuple of five Tensors or None, shape (neuron,)
        Of the shares of u, v and a that a step forgets, of the jump and of the bias; None
        unless `tape.needs_constants`.
    """
    spikes, potential, recurrent = tape.spikes, tape.potential, synapses.recurrent
    keep_u, keep_v, keep_a = tape.keep
    count = spikes.shape[0] * spikes.shape[1]
    psi = tape.surrogate(potential, tape.threshold)
    silent = 1 - spikes
    onto_spikes = (grad.rate / count).expand_as(spikes)
    if grad.spikes is not None:
        onto_spikes = onto_spikes + grad.spikes
    if grad.sent is not None:
        onto_spikes = onto_spikes + moved(grad.sent @ synapses.onto, -1)
    onto_potential = (potential - tape.floor).clamp(max=0) * (2 * grad.depth / count)
    if grad.potential is not None:
        onto_potential = onto_potential + grad.potential
    grad_u, grad_v, grad_a = (torch.empty_like(spikes) for _ in range(3))
    du = da = p = torch.zeros_like(spikes[:, 0])
    for t in reversed(range(spikes.shape[1])):
        ds = onto_spikes[:, t] - tape.jump * da
        if recurrent is not None:
            ds = ds + du @ recurrent
        p = onto_potential[:, t] + keep_v * p * silent[:, t] + psi[:, t] * ds
        if tape.memory is not None:
            p = p * ~tape.memory[:, t]
        du = p + keep_u * du
        da = p + keep_a * da
        grad_u[:, t], grad_v[:, t], grad_a[:, t] = du, p, da
    sent = _before(spikes, tape.first.s)
    weighted = synapses.inputs is not None
    return (
        (grad_u @ synapses.inputs if weighted else grad_u) if tape.needs_x else None,
        _product(grad_u, x) if weighted else None,
        None if recurrent is None else _product(grad_u, sent),
        None if grad.sent is None else _product(grad.sent, sent),
        _by_constant((grad_u, grad_v, grad_a), tape) if tape.needs_constants else None,
    )


def _by_constant(grads, tape):
    """Gradients of the constants, from those of the states."""
    states = tape.current, tape.potential * (1 - tape.spikes), tape.ahp, tape.spikes
    _, grad_v, grad_a = grads
    decays_and_jump = (
        -(grad * _before(state, first)).sum((0, 1))
        for grad, state, first in zip((*grads, grad_a), states, tape.first)
    )
    return *decays_and_jump, grad_v.sum((0, 1))


def _product(targets, sources):
    """Sum over steps and samples of each target times each source."""
    return targets.flatten(0, 1).T @ sources.flatten(0, 1)


def _before(recording, first):
    """A recording shifted by one step, with what was before the first step."""
    return torch.cat((first.expand_as(recording[:, 0])[:, None], recording[:, :-1]), 1)


def _fits_fused(tensor):
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


def run(x, synapses, constants, coefficients, units, surrogate, state, record=RECORDABLE):
    """Run a population of neurons over a batch of sequences.

    Parameters
    ----------
    x : Tensor of float, shape (batch, time, source)
        Input of each step: spikes or values for `synapses.inputs`, or what arrives, in
        units where `units.weight` is the integer 1.
    synapses : Synapses
    constants : Constants
        The same as `coefficients` say, for gradients to go to.
    coefficients : FixedCoefficients
        int64 tensors of shape () or (neuron,).
    units : Units
    surrogate : callable
    state : State
        int64 tensors of shape (batch, neuron).
    record : collection of str
        What of :data:`RECORDABLE` is wanted; the other tensors may be empty.

    Returns
    -------
    spikes, potential, current, ahp : Tensor of float, shape (batch, time, neuron)
        Spikes, voltages before the reset, synaptic and AHP currents. Gradients flow
        through the first two.
    sent : Tensor of float, shape (batch, time, target)
        What the spikes bring to the next population, in the step in which it arrives.
        Gradients flow through it. Empty without `synapses.onto`.
    activity : Activity
    state : State
        State after the last step.
    """
    if torch.is_grad_enabled():
        record = {*record, "potential"}
    *recordings, sent, rate, depth, below, v_min, v_max, u, v, a, s, hold = Population.apply(
        x, *synapses, *constants, (coefficients, units, surrogate, state, record)
    )
    threshold = coefficients.threshold.to(x.dtype) * units.state
    activity = Activity(rate, depth / threshold**2, below, v_min / threshold, v_max / threshold)
    return *recordings, sent, activity, State(u, v, a, s, hold)
