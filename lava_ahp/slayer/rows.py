"""Sums of rows of a batch: one operation for all that pairs of sentences need.

A matrix of zeros and ones says which rows go into which sum: which sentences and question
make up a pair, and which pairs belong to a story.
"""

import numpy as np
import scipy.sparse
import torch

from lava_ahp.engine.compiled import compiled
from lava_ahp.slayer import lanes, vectors
from lava_ahp.slayer.fused import run_chunks
from lava_ahp.slayer.memory import empty
from lava_ahp.slayer.vectors import add


def membership(rows, columns, shape):
    """Matrix with a one for each pair of row and column.

    Parameters
    ----------
    rows, columns : array_like of int, shape (n,)
        Sum and summand, none of them twice.
    shape : tuple of int
        Number of sums, number of rows to sum.

    Returns
    -------
    scipy.sparse.csr_matrix of float32
    """
    ones = np.ones(len(rows), np.float32)
    return scipy.sparse.csr_matrix((ones, (rows, columns)), shape)


def sum_rows(x, matrix):
    """Sums of rows, in every step.

    Spikes and weighted input are multiples of a power of two and small, so that their sums are
    exact in float32 in any order.

    Parameters
    ----------
    x : Tensor of float32, shape (row, neuron, time)
        On the CPU.
    matrix : scipy.sparse.csr_matrix, shape (sum, row)
        As of :func:`membership`.

    Returns
    -------
    Tensor of float32, shape (sum, neuron, time)
        In memory (sum, time, neuron), as the populations read it.
    """
    return _SumRows.apply(x.transpose(1, 2), matrix).transpose(1, 2)


class _SumRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, matrix):
        ctx.matrix = matrix
        return _sums(x.detach(), matrix)

    @staticmethod
    def backward(ctx, grad):
        return _sums(grad, ctx.matrix.T.tocsr()), None


def _sums(x, matrix):
    out = empty((matrix.shape[0], *x.shape[1:]))
    run_chunks(
        _add,
        matrix.shape[0],
        matrix.indptr,
        matrix.indices,
        x.contiguous().numpy(),
        out.numpy(),
    )
    return out


@compiled(lanes, vectors)
def _add(chunk, start, stop, begins, members, x, out):
    for row in range(start, stop):
        out[row] = 0
        for k in range(begins[row], begins[row + 1]):
            for t in range(x.shape[1]):
                add(out[row, t], x[members[k], t], np.float32(1))
