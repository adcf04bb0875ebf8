"""The training loop: epochs, validation, checkpoints, and the files at the end."""

import csv
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lava_ahp import netx, plots, tasks
from lava_ahp.errors import FileFormatError, LavaAHPError
from lava_ahp.evaluation import evaluate
from lava_ahp.files import written_whole
from lava_ahp.network import Metadata
from lava_ahp.slayer.regularisation import rate_penalty, voltage_penalty
from lava_ahp.training.card import write_card
from lava_ahp.training.model import Classifier
from lava_ahp.training.recipe import load_recipe

VALIDATION_BATCH = 64
"""Samples that are validated at a time."""

RUNS = Path("runs")
"""Folder for what a run leaves: checkpoint, metrics and plot, one folder per network."""


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes
    ----------
    network : NetworkSpec
        From the epoch with the best validation accuracy.
    path : Path
        Its netx file; the model card lies beside it, with the suffix `.md`.
    run_folder : Path
        With `metrics.csv` and `training.png`.
    metrics : dict
        `validation` and, unless left out, `test`: dicts with `accuracy`, `n`,
        `firing_rate`.
    history : list of dict
        One entry per epoch.
    """

    network: object
    path: Path
    run_folder: Path
    metrics: dict
    history: list = field(default_factory=list)


def train(recipe, overrides=(), out=None, resume=False, test=False, report=None):
    """Train a network from a recipe and write its netx file and model card.

    The same recipe and seed give the same network on the same machine, on any number
    of cores, also where the run was interrupted and resumed.

    Parameters
    ----------
    recipe : str or Path
        Name of one of our recipes, or a TOML file.
    overrides : iterable of str
        Changes, each `key=value`, as in :func:`lava_ahp.training.load_recipe`.
    out : str or Path, optional
        File to write; by default the recipe's name with `.net`, in the working folder.
    resume : bool
        Whether to go on from the checkpoint of an interrupted run.
    test : bool
        Whether to measure the test split, once, at the end. Leave it out while choosing.
    report : callable, optional
        Called with each epoch's dict: `epoch`, `epochs`, `loss`, `accuracy`,
        `validation_accuracy`, `firing_rate`, `v_min`, `v_max`, `seconds`.

    Returns
    -------
    Trained

    Raises
    ------
    LavaAHPError
        If recipe, override or checkpoint cannot be used.
    """
    name = Path(recipe).stem
    config = load_recipe(recipe, overrides)
    out = Path(out) if out else Path(f"{name}.net")
    if out.suffix != ".net":
        raise LavaAHPError(f"out: found {str(out)!r}, expected a file name that ends in .net")
    run = _Run(config, RUNS / out.stem)
    if resume:
        run.load()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        while run.epoch < config.training.epochs:
            entry = run.train_epoch()
            if report:
                report(entry)
    finally:
        torch.set_num_threads(threads)
    network, metrics = run.finish(name, overrides, out, test)
    return Trained(network, out, run.folder, metrics, run.history)


class _Run:
    """A training in progress: everything that a checkpoint has to hold."""

    def __init__(self, recipe, folder):
        self.recipe = recipe
        self.folder = folder
        self.task = tasks.get(recipe.task)
        self.encoding = self.task.default_encoding()
        self.data = self.task.load("train")
        self.validation = self.task.load("validation")
        self.random = np.random.default_rng(recipe.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.model = Classifier(
                recipe, self.encoding.n_channels, len(self.task.CLASS_NAMES), self.random
            )
        self.average = AveragedModel(
            self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.training.weight_average)
        )
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(self.parameters, lr=recipe.training.learning_rate)
        self.n_batches = math.ceil(len(self.data) / recipe.training.batch_size)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimiser, self.n_batches * recipe.training.epochs
        )
        self.epoch = 0
        self.history = []
        self.best = None
        self.seconds = 0.0
        self.saved_at = time.monotonic()

    @property
    def checkpoint(self):
        return self.folder / "checkpoint.pt"

    def train_epoch(self):
        """One pass over the training data, then the validation data; saves when due."""
        started = time.monotonic()
        settings = self.recipe.training
        totals = dict.fromkeys(("loss", "accuracy", "firing_rate"), 0.0)
        v_min, v_max = math.inf, -math.inf
        order = self.random.permutation(len(self.data))
        for start in range(0, len(order), settings.batch_size):
            chosen = order[start : start + settings.batch_size]
            images = self.data.images[chosen]
            if settings.augment:
                images = self.task.augment(images, self.random, settings.augment_noise)
            labels = torch.from_numpy(self.data.labels[chosen])
            spikes = self.encoding.encode(images.reshape(len(images), -1))
            columns = self.model(torch.from_numpy(spikes).float())
            loss = sum(self._loss(column.output, labels) for column in columns) / len(columns)
            penalty = sum(self._penalty(column.activity) for column in columns) / len(columns)
            self.optimiser.zero_grad()
            (loss + penalty).backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, settings.gradient_clip)
            self.optimiser.step()
            self.schedule.step()
            self.average.update_parameters(self.model)
            share = len(chosen) / len(order)
            totals["loss"] += share * loss.item()
            with torch.no_grad():
                output = sum(column.output for column in columns)
                right = (output.argmax(1) == labels).float().mean()
                activity = [column.activity for column in columns]
                rate = sum(a.rate.mean() for a in activity) / len(activity)
                v_min = min(v_min, *(a.v_min.min().item() for a in activity))
                v_max = max(v_max, *(a.v_max.max().item() for a in activity))
            totals["accuracy"] += share * right.item()
            totals["firing_rate"] += share * rate.item()
        self.epoch += 1
        accuracy = self._validate()
        self.seconds += time.monotonic() - started
        entry = {
            "epoch": self.epoch,
            "epochs": settings.epochs,
            **totals,
            "validation_accuracy": accuracy,
            "v_min": v_min,
            "v_max": v_max,
            "seconds": self.seconds,
        }
        self.history.append(entry)
        if self.best is None or accuracy >= self.best["accuracy"]:
            weights = {
                key: value.clone() for key, value in self.average.module.state_dict().items()
            }
            self.best = {"accuracy": accuracy, "epoch": self.epoch, "weights": weights}
        due = time.monotonic() - self.saved_at >= 60 * settings.checkpoint_minutes
        if due or self.epoch == settings.epochs:
            self.save()
        return entry

    def _loss(self, output, labels):
        settings = self.recipe.training
        logits = settings.output_gain * output / self.recipe.network.threshold
        return cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)

    def _penalty(self, activity):
        settings = self.recipe.training
        rate = rate_penalty(activity.rate, settings.firing_rate_target)
        depth = voltage_penalty(activity.depth)
        return settings.firing_rate_weight * rate + settings.voltage_weight * depth

    def _validate(self):
        """Accuracy on the validation split; the forward pass is the integer network."""
        n_right = 0
        with torch.no_grad():
            for start in range(0, len(self.validation), VALIDATION_BATCH):
                part = slice(start, start + VALIDATION_BATCH)
                spikes = torch.from_numpy(self.validation.spikes[part]).float()
                output = self.average.module.answer(spikes)
                labels = torch.from_numpy(self.validation.labels[part])
                n_right += int((output.argmax(1) == labels).sum())
        return n_right / len(self.validation)

    def _metadata(self, provenance):
        return Metadata(
            self.task.NAME, self.encoding.to_dict(), self.task.CLASS_NAMES, provenance
        )

    def save(self):
        """Write the checkpoint, whole or not at all."""
        state = {
            "recipe": self.recipe.model_dump(mode="json"),
            "epoch": self.epoch,
            "history": self.history,
            "best": self.best,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": self.random.bit_generator.state,
        }
        with written_whole(self.checkpoint) as temporary:
            torch.save(state, temporary)
        self.saved_at = time.monotonic()

    def load(self):
        """Go on from the checkpoint."""
        path = self.checkpoint
        if not path.is_file():
            raise FileFormatError(path, "", "found no checkpoint, expected one to resume from")
        try:
            state = torch.load(path, weights_only=True)
        except Exception as error:  # torch raises many kinds for a broken file
            raise FileFormatError(path, "", f"expected a checkpoint: {error}") from None
        mine = self.recipe.model_dump(mode="json")
        for table, values in mine.items():
            if state["recipe"].get(table) != values:
                raise FileFormatError(
                    path,
                    f"recipe.{table}",
                    f"found {state['recipe'].get(table)}, expected {values} as in the recipe",
                )
        self.epoch, self.history = state["epoch"], state["history"]
        self.best, self.seconds = state["best"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.random.bit_generator.state = state["random"]

    def finish(self, name, overrides, out, test):
        """Write network, card, metrics and plot of the best epoch; drop the checkpoint."""
        self.model.load_state_dict(self.best["weights"])
        network = self.model.to_network(self._metadata({}))
        metrics = {}
        for split in ("validation", "test") if test else ("validation",):
            found = evaluate(network, split=split)
            metrics[split] = {key: getattr(found, key) for key in ("accuracy", "n", "firing_rate")}
        provenance = {
            "recipe": name,
            "overrides": list(overrides),
            "seed": self.recipe.seed,
            "best_epoch": self.best["epoch"],
            "epochs": self.recipe.training.epochs,
            "training_samples": len(self.data),
            "metrics": metrics,
        }
        network = replace(network, metadata=self._metadata(provenance))
        netx.write(network, out)
        write_card(out.with_suffix(".md"), network, self.recipe, self.seconds)
        with written_whole(self.folder / "metrics.csv") as temporary:
            with open(temporary, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=self.history[0])
                writer.writeheader()
                writer.writerows(self.history)
        with written_whole(self.folder / "training.png") as temporary:
            plots.training(self.history).savefig(temporary, format="png", dpi=150)
        self.checkpoint.unlink(missing_ok=True)
        return network, metrics
