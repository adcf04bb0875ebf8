"""The step that spikes take from layer to layer."""

import torch

from lava_ahp.slayer.memory import empty


def shift(x, steps):
    """Data of shape (batch, neuron, time), or of more dimensions, some steps later; zeros come first.

    Its memory is laid out as (batch, time, neuron), as the populations read it.
    """
    return _Later.apply(x.transpose(1, -1), steps).transpose(1, -1)


def moved(x, steps):
    """Data of shape (batch, time, neuron), some steps later, or earlier for negative steps."""
    if not steps:
        return x
    on_cpu = x.device.type == "cpu" and x.dtype == torch.float32
    out = empty(x.shape) if on_cpu else torch.empty(x.shape, dtype=x.dtype, device=x.device)
    n_steps = x.shape[1]
    gap = min(abs(steps), n_steps)
    if steps > 0:
        out[:, :gap], out[:, gap:] = 0, x[:, : n_steps - gap]
    else:
        out[:, : n_steps - gap], out[:, n_steps - gap :] = x[:, gap:], 0
    return out


class _Later(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, steps):
        ctx.steps = steps
        return moved(x, steps)

    @staticmethod
    def backward(ctx, grad):
        return moved(grad, -ctx.steps), None
