"""Data-parallel training: each process takes a part of every batch, gradients are added.

Started by `torchrun`, which tells every process its rank; alone there is one process and
everything here passes through.
"""

import os
from contextlib import contextmanager

import torch
import torch.distributed as dist


@contextmanager
def process_group():
    """Join the processes that `torchrun` started, for the time of the block."""
    if "RANK" not in os.environ or dist.is_initialized():
        yield
        return
    dist.init_process_group("gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank():
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size():
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(items):
    """The part of a batch, an array, that this process takes."""
    return items[rank() :: world_size()]


def total(value):
    """Sum of a tensor over all processes; gradients flow to this process's part."""
    if world_size() == 1:
        return value
    everywhere = value.detach().clone()
    dist.all_reduce(everywhere)
    return value + (everywhere - value.detach())


def extreme(value, largest):
    """Largest or smallest value of a tensor over all processes."""
    if world_size() > 1:
        value = value.clone()
        dist.all_reduce(value, dist.ReduceOp.MAX if largest else dist.ReduceOp.MIN)
    return value


def add_gradients(parameters):
    """Replace the gradients by their sums over all processes."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].reshape(gradient.shape))
        start += gradient.numel()
