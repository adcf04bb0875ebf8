"""Spikes times weights.

On a CPU both passes are driven by spikes: what they cost grows with the values that are
not zero. Elsewhere they are torch's own matrix products. Populations weigh their input
themselves; this is for input that is weighed once and used several times.
"""

from functools import cache

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba calls its products
import torch
from threadpoolctl import ThreadpoolController

from lava_ahp.engine.compiled import compiled
from lava_ahp.errors import ParameterError
from lava_ahp.slayer import lanes, vectors
from lava_ahp.slayer.fused import chunk_starts, run_chunks
from lava_ahp.slayer.memory import empty
from lava_ahp.slayer.vectors import BLOCK, add, not_zero


def linear(x, weight):
    """Input times weights, of all steps.

    Parameters
    ----------
    x : Tensor, shape (batch, source, time)
        Mostly zeros.
    weight : Tensor, shape (target, source)

    Returns
    -------
    Tensor, shape (batch, target, time)
        In memory (batch, time, target), as the populations read it.

    Raises
    ------
    ParameterError
        If the numbers of sources differ.
    """
    if x.shape[1] != weight.shape[1]:
        raise ParameterError(f"input: found {x.shape[1]} channels, expected {weight.shape[1]}")
    x = x.transpose(1, 2)
    on_cpu = x.device.type == "cpu" and x.dtype == torch.float32
    product = _SpikeDriven.apply if on_cpu else torch.nn.functional.linear
    return product(x.contiguous(), weight).transpose(1, 2)


class _SpikeDriven(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        z = empty((*x.shape[:2], len(weight)))
        by_source = np.ascontiguousarray(weight.detach().numpy().T)
        run_chunks(_forward, len(x), x.detach().numpy(), by_source, z.numpy())
        ctx.save_for_backward(x, weight)
        return z

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        needs_x, needs_weight = ctx.needs_input_grad
        grad_x = empty(x.shape if needs_x else (0, 0, 0))
        n_chunks = len(chunk_starts(len(x))) if needs_weight else 0
        grad_weight = np.zeros((n_chunks, *weight.T.shape), np.float32)
        # One BLAS thread for each of ours: two on a core wait for each other.
        with _libraries().limit(limits=1, user_api="blas"):
            run_chunks(
                _backward,
                len(x),
                grad.contiguous().numpy(),
                x.detach().numpy(),
                np.ascontiguousarray(weight.detach().numpy()),
                grad_x.numpy(),
                grad_weight,
            )
        return (
            grad_x if needs_x else None,
            torch.from_numpy(grad_weight.sum(0).T) if needs_weight else None,
        )


@cache
def _libraries():
    return ThreadpoolController()


@compiled(lanes, vectors)
def _forward(chunk, start, stop, x, weight, z):
    arrived = np.empty(x.shape[2] + BLOCK, np.int32)
    for b in range(start, stop):
        for t in range(x.shape[1]):
            values, total = x[b, t], z[b, t]
            total[:] = 0
            for k in range(not_zero(values, arrived)):
                add(total, weight[arrived[k]], values[arrived[k]])


@compiled(lanes, vectors)
def _backward(chunk, start, stop, grad, x, weight, grad_x, grad_weight):
    arrived = np.empty(x.shape[2] + BLOCK, np.int32)
    for b in range(start, stop):
        if len(grad_x):
            np.dot(grad[b], weight, grad_x[b])
        if len(grad_weight):
            for t in range(x.shape[1]):
                values = x[b, t]
                for k in range(not_zero(values, arrived)):
                    add(grad_weight[chunk, arrived[k]], grad[b, t], values[arrived[k]])
