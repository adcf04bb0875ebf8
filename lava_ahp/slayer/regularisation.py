"""Penalties that keep firing sparse and voltages near the threshold."""

import torch


class _Depth(torch.autograd.Function):
    """Mean square of what lies below a floor, in one pass each way."""

    @staticmethod
    def forward(ctx, potential, floor):
        depth = (potential - floor).clamp_(max=0)
        ctx.save_for_backward(depth)
        return depth.square().mean()

    @staticmethod
    def backward(ctx, grad):
        (depth,) = ctx.saved_tensors
        return depth * (2 * grad / depth.numel()), None


def voltage_penalty(potential, threshold=1.0, floor=-1.0):
    """Mean square of voltages below a floor, in thresholds.

    A neuron far below its threshold has no surrogate gradient and, on the chip, may reach
    the end of its 24 bits.

    Parameters
    ----------
    potential : Tensor
        Voltages before the reset.
    threshold : float, optional
        Their threshold.
    floor : float, optional
        In thresholds; voltages above it cost nothing.

    Returns
    -------
    Tensor, shape ()
    """
    return _Depth.apply(potential, floor * threshold) / threshold**2


def rate_penalty(spikes, target):
    """Mean square over neurons of the firing rate above a target, in per cent of steps.

    Parameters
    ----------
    spikes : Tensor, shape (batch, neuron, time)
    target : float
        Spikes per neuron and step that cost nothing.

    Returns
    -------
    Tensor, shape ()
    """
    excess = (spikes.mean((0, 2)) - target).clamp(min=0)
    return (100 * excess).square().mean()
