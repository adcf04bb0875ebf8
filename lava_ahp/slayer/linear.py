"""Spikes times weights, and the step that spikes take from layer to layer.

On a CPU both passes are driven by spikes: what they cost grows with the values that are
not zero. Elsewhere they are torch's own matrix products.
"""

import numba
import numpy as np
import torch

from lava_ahp.slayer.fused import chunk_starts, run_chunks
from lava_ahp.slayer.recordings import empty


def linear(x, weight, latency=0):
    """Input times weights, of all steps.

    Parameters
    ----------
    x : Tensor, shape (batch, source, time)
        Mostly zeros.
    weight : Tensor, shape (target, source)
    latency : int, optional
        Steps after which the input arrives.

    Returns
    -------
    Tensor, shape (batch, target, time)
        In memory (time, batch, target), as the populations read it.
    """
    x = x.permute(2, 0, 1)
    if _is_float_on_cpu(x):
        z = _SpikeDriven.apply(x.contiguous(), weight, latency)
    else:
        z = torch.nn.functional.linear(_Later.apply(x, latency), weight)
    return z.permute(1, 2, 0)


def shift(x, steps):
    """Data of shape (batch, neuron, time), some steps later; zeros come first.

    Its memory is laid out as (time, batch, neuron).
    """
    return _Later.apply(x.permute(2, 0, 1), steps).permute(1, 2, 0)


class _Later(torch.autograd.Function):
    """Data (time, ...) some steps later, or earlier for negative steps."""

    @staticmethod
    def forward(ctx, x, steps):
        ctx.steps = steps
        return _moved(x, steps)

    @staticmethod
    def backward(ctx, grad):
        return _moved(grad, -ctx.steps), None


def _moved(x, steps):
    out = empty(x.shape) if _is_float_on_cpu(x) else torch.empty(x.shape, dtype=x.dtype, device=x.device)
    kept = max(len(x) - abs(steps), 0)
    if steps >= 0:
        out[: len(x) - kept] = 0
        out[len(x) - kept :] = x[:kept]
    else:
        out[:kept] = x[len(x) - kept :]
        out[kept:] = 0
    return out


def _is_float_on_cpu(x):
    return x.device.type == "cpu" and x.dtype == torch.float32


class _SpikeDriven(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, latency):
        n_steps, batch, n_sources = x.shape
        z = empty((n_steps, batch, len(weight)))
        by_source = np.ascontiguousarray(weight.detach().numpy().T)
        run_chunks(_forward, batch, x.detach().numpy(), by_source, latency, z.numpy())
        ctx.save_for_backward(x, weight)
        ctx.latency = latency
        return z

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        n_steps, batch, n_sources = x.shape
        needs_x, needs_weight, _ = ctx.needs_input_grad
        grad_x = empty(x.shape if needs_x else (0, 0, 0))
        n_chunks = len(chunk_starts(batch)) if needs_weight else 0
        grad_weight = np.zeros((n_chunks, n_sources, len(weight)), np.float32)
        run_chunks(
            _backward,
            batch,
            grad.contiguous().numpy(),
            x.detach().numpy(),
            np.ascontiguousarray(weight.detach().numpy()),
            ctx.latency,
            grad_x.numpy(),
            grad_weight,
        )
        return (
            grad_x if needs_x else None,
            torch.from_numpy(grad_weight.sum(0).T) if needs_weight else None,
            None,
        )


@numba.njit(nogil=True)
def _forward(chunk, start, stop, x, weight, latency, z):
    n_steps, _, n_sources = x.shape
    arrived = np.empty(n_sources + 1, np.int64)
    for t in range(n_steps):
        for b in range(start, stop):
            out = z[t, b]
            out[:] = 0
            if t < latency:
                continue
            values = x[t - latency, b]
            for k in range(_not_zero(values, arrived)):
                value, row = values[arrived[k]], weight[arrived[k]]
                for i in range(len(out)):
                    out[i] += value * row[i]


@numba.njit(nogil=True, fastmath={"contract"})
def _backward(chunk, start, stop, grad, x, weight, latency, grad_x, grad_weight):
    n_steps, _, n_sources = x.shape
    arrived = np.empty(n_sources + 1, np.int64)
    for t in range(n_steps):
        later = t + latency
        if len(grad_x):
            out = grad_x[t, start:stop]
            if later < n_steps:
                np.dot(grad[later, start:stop], weight, out)
            else:
                out[:] = 0
        for b in range(start, stop):
            if len(grad_weight) and later < n_steps:
                values, arriving = x[t, b], grad[later, b]
                for k in range(_not_zero(values, arrived)):
                    value, row = values[arrived[k]], grad_weight[chunk, arrived[k]]
                    for i in range(len(arriving)):
                        row[i] += value * arriving[i]


@numba.extending.register_jitable
def _not_zero(values, indices):
    """Write the indices of what is not zero, and return how many there are.

    `indices` has room for one more than there are values, so that no branch is needed.
    """
    n = 0
    for i in range(len(values)):
        indices[n] = i
        n += np.int64(values[i] != 0)
    return n
