"""A population over time: integer steps forward, surrogate gradients backward.

The forward pass is the integer step of :mod:`lava_ahp.dynamics`: on a CPU compiled
into a loop over samples (:mod:`lava_ahp.slayer.fused`), elsewhere called on int64
tensors, with the same bits. The backward pass is backpropagation through time of the
same equations without rounding, wrap and saturation; the reset is a constant, as in
SLAYER and LSNN. With `p(t)` the derivative of the loss with respect to the voltage
before the reset::

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


class Tape(NamedTuple):
    """What the backward pass needs of the forward pass.

    Attributes
    ----------
    spikes, potential : Tensor, shape (time, batch, neuron)
    held : Tensor of bool or None, shape (time, batch, neuron)
        Where the voltage was held at 0; None without refractory period.
    before : Tensor, shape (batch, neuron)
        Spikes of the step before the first.
    recurrent : Tensor or None, shape (target, source)
    keep : list of three Tensors, shape (1,) or (neuron,)
        What is left of u, v and a after a step, as fractions.
    jump, threshold, floor : Tensor, shape () or (neuron,)
    surrogate : callable
    decays : bool
        Whether the gradients of v and a are wanted; if not, they may be empty.
    """

    spikes: torch.Tensor
    potential: torch.Tensor
    held: Any
    before: torch.Tensor
    recurrent: Any
    keep: list
    jump: torch.Tensor
    threshold: torch.Tensor
    floor: torch.Tensor
    surrogate: Any
    decays: bool


class Gradients(NamedTuple):
    """Derivatives of the loss with respect to what the forward pass gave.

    Attributes
    ----------
    spikes, potential : Tensor or None, shape (time, batch, neuron)
    rate, depth : Tensor, shape (neuron,)
    """

    spikes: Any
    potential: Any
    rate: torch.Tensor
    depth: torch.Tensor


class Population(torch.autograd.Function):
    """Runs a population; call through :func:`run`."""

    @staticmethod
    def forward(
        ctx, z, recurrent, decay_u, decay_v, decay_a, c, units, surrogate, state, currents
    ):
        ctx.set_materialize_grads(False)
        trained_decays = any(ctx.needs_input_grad[2:5])
        forward = fused.forward if _fits_fused(z) else unrolled_forward
        threshold = c.threshold.to(z.dtype) * units.state
        floor = VOLTAGE_FLOOR * threshold
        spikes, potential, current, ahp, held, last, activity = forward(
            z, recurrent, c, units, floor, state, currents or trained_decays
        )
        ctx.save_for_backward(recurrent, decay_u, decay_v, decay_a, spikes, potential, current, ahp)
        ctx.held, ctx.surrogate, ctx.threshold, ctx.floor = held, surrogate, threshold, floor
        ctx.jump = c.jump.to(z.dtype) * units.state
        ctx.first = State(*(value.to(z.dtype) for value in state))
        ctx.unit, ctx.trained_decays = units.state, trained_decays
        ctx.mark_non_differentiable(current, ahp, *activity[2:], *last)
        return spikes, potential, current, ahp, *activity, *last

    @staticmethod
    def backward(ctx, grad_spikes, grad_potential, _current, _ahp, grad_rate, grad_depth, *_):
        recurrent, decay_u, decay_v, decay_a, spikes, potential, current, ahp = ctx.saved_tensors
        decays = decay_u, decay_v, decay_a
        tape = Tape(
            spikes,
            potential,
            ctx.held,
            ctx.first.s,
            recurrent,
            [1 - d / DECAY_UNITY for d in decays],
            ctx.jump,
            ctx.threshold,
            ctx.floor,
            ctx.surrogate,
            ctx.trained_decays,
        )
        zeros = spikes.new_zeros(spikes.shape[-1])
        grad = Gradients(
            grad_spikes,
            grad_potential,
            zeros if grad_rate is None else grad_rate,
            zeros if grad_depth is None else grad_depth,
        )
        backward = fused.backward if _fits_fused(spikes) else unrolled_backward
        grad_u, grad_v, grad_a, grad_recurrent = backward(grad, tape)
        grads = [grad_u, grad_recurrent, None, None, None]
        if ctx.trained_decays:
            for index, grad_state, recording, begin in (
                (2, grad_u, current, ctx.first.u),
                (3, grad_v, potential * (1 - spikes), ctx.first.v),
                (4, grad_a, ahp, ctx.first.a),
            ):
                per_neuron = -(grad_state * _before(recording, begin * ctx.unit)).sum((0, 1))
                grads[index] = per_neuron.sum_to_size(decays[index - 2].shape) / DECAY_UNITY
        return (*grads, None, None, None, None, None)


def unrolled_forward(z, recurrent, c, units, floor, state, currents):
    """The forward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    z, recurrent, c, units, state
        As for :func:`run`.
    floor : Tensor, shape () or (neuron,)
        Voltage below which `depth` and `below` count.
    currents : bool
        Whether to record the currents; if not, their tensors are empty.

    Returns
    -------
    spikes, potential, current, ahp : Tensor of float, shape (time, batch, neuron)
    held : Tensor of bool or None, shape (time, batch, neuron)
        Where the voltage was held at 0; None without refractory period.
    state : State
        After the last step.
    activity : list of five Tensors, shape (neuron,)
        As :class:`Activity`, in the unit of the voltages.
    """
    x = torch.round(z / units.weight)
    loop = None if recurrent is None else torch.round(recurrent.T / units.weight)
    spikes, potential = torch.empty_like(z), torch.empty_like(z)
    current, ahp = (torch.empty_like(z) if currents else z.new_empty((0, 0, 0)) for _ in range(2))
    held = torch.empty_like(z, dtype=torch.bool) if c.refractory.any() else None
    for t in range(len(z)):
        arriving = x[t]
        if loop is not None:
            # Exact in float32: sums of integers below 2**24.
            arriving = arriving + state.s.to(z.dtype) @ loop
        if held is not None:
            held[t] = state.hold > 0
        u, v, a = fixed_potential(arriving.to(torch.int64), state, c)
        state = fire(u, v, a, state.hold, c.threshold, c.refractory)
        spikes[t], potential[t] = state.s, v * units.state
        if currents:
            current[t], ahp[t] = u * units.state, a * units.state
    under = (potential - floor).clamp(max=0)
    means = [value.mean((0, 1)) for value in (spikes, under.square(), (under < 0).to(z.dtype))]
    activity = [*means, potential.amin((0, 1)), potential.amax((0, 1))]
    return spikes, potential, current, ahp, held, state, activity


def unrolled_backward(grad, tape):
    """The backward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    grad : Gradients
    tape : Tape

    Returns
    -------
    grad_u, grad_v, grad_a : Tensor, shape (time, batch, neuron)
        The last two may be empty unless `tape.decays`.
    grad_recurrent : Tensor or None, shape (target, source)
    """
    spikes, potential, recurrent = tape.spikes, tape.potential, tape.recurrent
    keep_u, keep_v, keep_a = tape.keep
    count = spikes.shape[0] * spikes.shape[1]
    psi = tape.surrogate(potential, tape.threshold)
    silent = 1 - spikes
    onto_spikes = (grad.rate / count).expand_as(spikes)
    if grad.spikes is not None:
        onto_spikes = onto_spikes + grad.spikes
    onto_potential = (potential - tape.floor).clamp(max=0) * (2 * grad.depth / count)
    if grad.potential is not None:
        onto_potential = onto_potential + grad.potential
    grad_u, grad_v, grad_a = (torch.empty_like(spikes) for _ in range(3))
    du = da = p = torch.zeros_like(spikes[0])
    for t in reversed(range(len(spikes))):
        ds = onto_spikes[t] - tape.jump * da
        if recurrent is not None:
            ds = ds + du @ recurrent
        p = onto_potential[t] + keep_v * p * silent[t] + psi[t] * ds
        if tape.held is not None:
            p = p * ~tape.held[t]
        du = p + keep_u * du
        da = p + keep_a * da
        grad_u[t], grad_v[t], grad_a[t] = du, p, da
    if recurrent is None:
        return grad_u, grad_v, grad_a, None
    sent = _before(spikes, tape.before)
    return grad_u, grad_v, grad_a, grad_u.flatten(0, 1).T @ sent.flatten(0, 1)


def _before(recording, first):
    """A recording shifted by one step, with what was before the first step."""
    return torch.cat((first.expand_as(recording[0])[None], recording[:-1]))


def _fits_fused(tensor):
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


def run(z, recurrent, decays, coefficients, units, surrogate, state, currents=False):
    """Run a population of neurons over a batch of sequences.

    Parameters
    ----------
    z : Tensor of float, shape (time, batch, neuron)
        Weighted input of each step, in units where `units.weight` is the integer 1.
    recurrent : Tensor of float or None, shape (neuron, neuron)
        Weights from the population (columns) to itself (rows), quantised.
    decays : tuple of three Tensors, shape (1,) or (neuron,)
        `decay_u, decay_v, decay_a` out of 4096, rounded; gradients go to them.
    coefficients : FixedCoefficients
        int64 tensors of shape () or (neuron,).
    units : Units
    surrogate : callable
    state : State
        int64 tensors of shape (batch, neuron).
    currents : bool, optional
        Whether the currents are wanted; if not, their tensors may be empty.

    Returns
    -------
    spikes, potential, current, ahp : Tensor of float, shape (time, batch, neuron)
        Spikes, voltages before the reset, synaptic and AHP currents. Gradients flow
        through the first two.
    activity : Activity
    state : State
        State after the last step.
    """
    spikes, potential, current, ahp, rate, depth, below, v_min, v_max, *last = Population.apply(
        z, recurrent, *decays, coefficients, units, surrogate, state, currents
    )
    threshold = coefficients.threshold.to(z.dtype) * units.state
    activity = Activity(rate, depth / threshold**2, below, v_min / threshold, v_max / threshold)
    return spikes, potential, current, ahp, activity, State(*last)
