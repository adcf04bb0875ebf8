"""One stage of a training: updates until enough, with a checkpoint to go on from."""

import math
import time
from collections import deque

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lava_ahp.files import written_whole
from lava_ahp.training import checkpoint

WARMUP = 50
"""Updates over which the learning rate rises."""

RECENT = 250
"""Updates over which a stage's success is measured."""


class StageRun:
    """A stage in progress: everything that a checkpoint has to hold.

    Parameters
    ----------
    path : Path
        Checkpoint; it stays when the stage is done, so that a later stage can be resumed.
    recipe : Stage
    module : torch.nn.Module
        What learns.
    seed : sequence of int
    weight_average : float, optional
        Share that the average of the weights keeps at an update.
    minutes : float, optional
        Time between checkpoints.
    """

    def __init__(self, path, recipe, module, seed, weight_average=0.0, minutes=1.0):
        self.path, self.recipe, self.module, self.minutes = path, recipe, module, minutes
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(self.parameters, lr=recipe.learning_rate)
        self.average = AveragedModel(
            module, multi_avg_fn=get_ema_multi_avg_fn(weight_average)
        )
        self.random = np.random.default_rng(seed)
        self.torch_random = torch.Generator().manual_seed(int(self.random.integers(2**31)))
        self.update, self.seconds = 0, 0.0
        self.recent = deque(maxlen=RECENT)
        self.saved_at = time.monotonic()

    @property
    def accuracy(self):
        """Share of the recent batches that came out right."""
        return float(np.mean(self.recent)) if self.recent else 0.0

    @property
    def finished(self):
        """Whether all updates are done, or enough of what there is to learn is right."""
        enough = len(self.recent) == RECENT and self.accuracy >= self.recipe.enough
        return self.update >= self.recipe.updates or (enough and self.grown == 1)

    @property
    def grown(self):
        """Share of the questions, those with the shortest stories first, that are asked by now."""
        full = self.recipe.curriculum * self.recipe.updates
        return min(1.0, self.update / full) if full else 1.0

    def run(self, batch, progress):
        """Update until finished; the module then has the averaged weights.

        Parameters
        ----------
        batch : callable
            Called with the stage: gives loss (a Tensor) and the share that is right.
        progress : callable
            Called after each update with the updates done, their total, and the share right.
        """
        while not self.finished:
            started = time.monotonic()
            progress_made = (1 + math.cos(math.pi * self.update / self.recipe.updates)) / 2
            rate = self.recipe.learning_rate * min(1.0, (self.update + 1) / WARMUP) * progress_made
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss, right = batch(self)
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimiser.step()
            self.average.update_parameters(self.module)
            self.recent.append(float(right))
            self.update += 1
            self.seconds += time.monotonic() - started
            if time.monotonic() - self.saved_at >= 60 * self.minutes:
                self.save()
            progress(self.update, self.recipe.updates, self.accuracy)
        self.save()
        self.module.load_state_dict(self.average.module.state_dict())

    def save(self):
        """Write the checkpoint, whole or not at all."""
        state = {
            "recipe": self.recipe.model_dump(mode="json"),
            "update": self.update,
            "seconds": self.seconds,
            "recent": list(self.recent),
            "module": self.module.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.bit_generator.state,
            "torch_random": self.torch_random.get_state(),
        }
        with written_whole(self.path) as temporary:
            torch.save(state, temporary)
        self.saved_at = time.monotonic()

    def load(self):
        """Go on from the checkpoint, if there is one."""
        if not self.path.is_file():
            return
        state = checkpoint.read(self.path, self.recipe)
        self.update, self.seconds = state["update"], state["seconds"]
        self.recent.extend(state["recent"])
        self.module.load_state_dict(state["module"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.random.bit_generator.state = state["random"]
        self.torch_random.set_state(state["torch_random"])
