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

import torch

from lava_ahp.dynamics import DECAY_UNITY, State, fire, fixed_potential
from lava_ahp.slayer import fused


class Population(torch.autograd.Function):
    """Runs a population; call through :func:`run`."""

    @staticmethod
    def forward(
        ctx, z, recurrent, decay_u, decay_v, decay_a, c, units, surrogate, state, currents
    ):
        trained_decays = any(ctx.needs_input_grad[2:5])
        forward = fused.forward if _fits_fused(z) else unrolled_forward
        spikes, potential, current, ahp, held, last = forward(
            z, recurrent, c, units, state, currents or trained_decays
        )
        ctx.save_for_backward(recurrent, decay_u, decay_v, decay_a, spikes, potential, current, ahp)
        ctx.held, ctx.units, ctx.surrogate, ctx.c = held, units, surrogate, c
        ctx.first = State(*(value.to(z.dtype) for value in state))
        ctx.trained_decays = trained_decays
        ctx.mark_non_differentiable(current, ahp, *last)
        return spikes, potential, current, ahp, *last

    @staticmethod
    def backward(ctx, grad_spikes, grad_potential, *_):
        recurrent, decay_u, decay_v, decay_a, spikes, potential, current, ahp = ctx.saved_tensors
        c, units, first = ctx.c, ctx.units, ctx.first
        keep = [1 - d / DECAY_UNITY for d in (decay_u, decay_v, decay_a)]
        jump = c.jump.to(spikes.dtype) * units.state
        backward = fused.backward if _fits_fused(spikes) else unrolled_backward
        grad_u, grad_v, grad_a, grad_recurrent = backward(
            grad_spikes,
            grad_potential,
            spikes,
            potential,
            ctx.surrogate,
            c.threshold.to(spikes.dtype) * units.state,
            ctx.held,
            recurrent,
            keep,
            jump,
            first.s,
            ctx.trained_decays,
        )
        grads = [grad_u, grad_recurrent, None, None, None]
        if ctx.trained_decays:
            for index, grad, recording, begin, decay in (
                (2, grad_u, current, first.u, decay_u),
                (3, grad_v, potential * (1 - spikes), first.v, decay_v),
                (4, grad_a, ahp, first.a, decay_a),
            ):
                per_neuron = -(grad * _before(recording, begin * units.state)).sum((0, 1))
                grads[index] = per_neuron.sum_to_size(decay.shape) / DECAY_UNITY
        return (*grads, None, None, None, None, None)


def unrolled_forward(z, recurrent, c, units, state, currents):
    """The forward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    z, recurrent, c, units, state
        As for :func:`run`.
    currents : bool
        Whether to record the currents; if not, their tensors are empty.

    Returns
    -------
    spikes, potential, current, ahp : Tensor of float, shape (time, batch, neuron)
    held : Tensor of bool or None, shape (time, batch, neuron)
        Where the voltage was held at 0; None without refractory period.
    state : State
        After the last step.
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
    return spikes, potential, current, ahp, held, state


def unrolled_backward(
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
    """The backward pass as a loop over steps of tensors, on any device.

    Parameters
    ----------
    grad_spikes, grad_potential, spikes, potential : Tensor, shape (time, batch, neuron)
    surrogate : callable
    threshold : Tensor, shape () or (neuron,)
    held : Tensor of bool or None, shape (time, batch, neuron)
    recurrent : Tensor or None, shape (target, source)
    keep : list of three Tensors, shape (1,) or (neuron,)
        What is left of u, v and a after a step, as fractions.
    jump : Tensor, shape () or (neuron,)
    before : Tensor, shape (batch, neuron)
        Spikes of the step before the first.
    decays : bool
        Whether `grad_v` and `grad_a` are wanted; if not, they may be empty.

    Returns
    -------
    grad_u, grad_v, grad_a : Tensor, shape (time, batch, neuron)
    grad_recurrent : Tensor or None, shape (target, source)
    """
    keep_u, keep_v, keep_a = keep
    psi = surrogate(potential, threshold)
    silent = 1 - spikes
    grad_u, grad_v, grad_a = (torch.empty_like(spikes) for _ in range(3))
    du = da = p = torch.zeros_like(spikes[0])
    for t in reversed(range(len(spikes))):
        ds = grad_spikes[t] - jump * da
        if recurrent is not None:
            ds = ds + du @ recurrent
        p = grad_potential[t] + keep_v * p * silent[t] + psi[t] * ds
        if held is not None:
            p = p * ~held[t]
        du = p + keep_u * du
        da = p + keep_a * da
        grad_u[t], grad_v[t], grad_a[t] = du, p, da
    if recurrent is None:
        return grad_u, grad_v, grad_a, None
    sent = _before(spikes, before)
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
    state : State
        State after the last step.
    """
    spikes, potential, current, ahp, *last = Population.apply(
        z, recurrent, *decays, coefficients, units, surrogate, state, currents
    )
    return spikes, potential, current, ahp, State(*last)


class Units:
    """Float values that stand for the integer 1.

    Attributes
    ----------
    weight : Tensor, shape () or (neuron,)
        Of a weight onto a neuron.
    state : float
        Of a current or voltage.
    """

    def __init__(self, weight, state):
        self.weight = weight
        self.state = state
