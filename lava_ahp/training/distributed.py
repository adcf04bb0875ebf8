"""Data-parallel training: each process takes a part of every batch, gradients are added.

Started by `torchrun`, which tells every process its rank; alone there is one process and
everything here passes through.
"""

import atexit
import os

import torch
import torch.distributed as dist

from lava_ahp.errors import LavaAHPError


def join():
    """Join the processes that `torchrun` started, once, until this one ends."""
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("gloo")
        atexit.register(dist.destroy_process_group)


def rank():
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size():
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(items):
    """The part of a batch, an array, that this process takes."""
    return items[rank() :: world_size()]


def of_first(read):
    """What `read()` returns in the first process, or its error, in all of them: the others have no files."""
    if world_size() == 1:
        return read()
    outcome = [None, None]
    if rank() == 0:
        try:
            outcome[0] = read()
        except LavaAHPError as error:
            outcome[1] = str(error)
    dist.broadcast_object_list(outcome)
    value, problem = outcome
    if problem:
        raise LavaAHPError(problem)
    return value


_buffers = {}
"""Tensors that are sent, by shape and dtype, for as long as the module lives.

A thread of Gloo's may be the last to let go of a tensor, for which it waits for Python's lock. The
destructor of the process group holds that lock and waits for the thread: without these
references, ending the group hangs now and then.
"""


def _reduced(value, operation=dist.ReduceOp.SUM):
    key = value.shape, value.dtype
    if key not in _buffers:
        _buffers[key] = torch.empty(value.shape, dtype=value.dtype)
    buffer = _buffers[key].copy_(value.detach())
    dist.all_reduce(buffer, operation)
    return buffer.to(value.device, copy=True)


def total(value):
    """Sum of a tensor over all processes; gradients flow to this process's part."""
    if world_size() == 1:
        return value
    return value + (_reduced(value) - value.detach())


def extreme(value, largest):
    """Largest or smallest value of a tensor over all processes."""
    if world_size() == 1:
        return value
    return _reduced(value, dist.ReduceOp.MAX if largest else dist.ReduceOp.MIN)


def add_gradients(parameters):
    """Replace the gradients by their sums over all processes."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = _reduced(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].reshape(gradient.shape))
        start += gradient.numel()
