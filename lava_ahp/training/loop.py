"""The training loop: epochs, validation, checkpoints, and the files at the end."""

import csv
import math
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numba
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from threadpoolctl import threadpool_limits
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lava_ahp import netx, plots, tasks
from lava_ahp.errors import FileFormatError, LavaAHPError, ParameterError
from lava_ahp.evaluation import evaluate
from lava_ahp.files import written_whole
from lava_ahp.network import Metadata
from lava_ahp.slayer.neuron.ahp import DECAYS
from lava_ahp.slayer.regularisation import rate_penalty, voltage_penalty
from lava_ahp.training import checkpoint, distributed
from lava_ahp.training.card import write_card
from lava_ahp.training.model import Classifier
from lava_ahp.training.recipe import Recipe, load_recipe

VALIDATION_BATCH = 64
"""Samples that are validated at a time."""

CENTRING_SAMPLES = 2048
"""Training samples by whose activity the averaged network's readout is centred."""

SUMS = ("loss", "accuracy", "firing_rate", "below", "moved_synapses")
"""What is averaged over the samples of an epoch."""

MEANS = ("rate", "depth", "below")
"""What of a population's activity is a mean over the samples of a batch."""

RUNS = Path("runs")
"""Folder for what a run leaves: checkpoint, metrics and plot, one folder per network."""


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes
    ----------
    network : NetworkSpec
        From the epoch with the best validation accuracy.
    path : Path or None
        Its netx file; the model card lies beside it, with the suffix `.md`. None in all
        processes but the first, which writes them.
    run_folder : Path
        With `metrics.csv` and `training.png`.
    metrics : dict
        `train`, `validation` and, where asked for, `test`: dicts with `accuracy`, `n`,
        `firing_rate`, `overflows` (wraps and saturations) and `readout_spikes`. Empty in all
        processes but the first.
    history : list of dict
        One entry per epoch.
    """

    network: object
    path: Path
    run_folder: Path
    metrics: dict
    history: list = field(default_factory=list)


def train(
    recipe,
    overrides=(),
    out=None,
    data=None,
    resume=False,
    begin=None,
    test=False,
    report=None,
    progress=None,
):
    """Train a network from a recipe and write its netx file and model card.

    The same recipe and seed give the same network on the same machine, on any number
    of cores, also where the run was interrupted and resumed. Under `torchrun` every
    process takes a part of each batch, and the first one writes the files.

    Parameters
    ----------
    recipe : str or Path
        Name of one of our recipes, or a TOML file.
    overrides : iterable of str
        Changes, each `key=value`, as in :func:`lava_ahp.training.load_recipe`.
    out : str or Path, optional
        File to write; by default the recipe's name with `.net`, in the working folder.
    data : str or Path, optional
        File or folder of the task's data, where it does not bring them itself.
    resume : bool
        Whether to go on from the checkpoint of an interrupted run.
    begin : str or Path, optional
        Checkpoint of another run of the same network, with whose best weights to begin.
        All else is new: optimiser, schedule and epochs.
    test : bool
        Whether to measure the test split, once, at the end. Leave it out while choosing.
    report : callable, optional
        Called after each epoch with a dict: `epoch`, `epochs`, `loss`, `accuracy`,
        `validation_accuracy`, `firing_rate`, `v_min`, `v_max`, `below`, `moved_synapses`,
        `density`, `seconds`. Voltages are in thresholds; `below` is the share of neuron-steps with a
        voltage below -1 threshold; `density` that of possible synapses that exist, where it
        is to be less than 1.
    progress : callable, optional
        Called after each update with the number of updates done, their total, and the
        same dict as far as the epoch has come.

    Returns
    -------
    Trained

    Raises
    ------
    LavaAHPError
        If the recipe is of a relational network, recipe, override, data or checkpoint cannot be used,
        or a run is both to be resumed and to begin with other weights.
    """
    name = Path(recipe).stem
    config = load_recipe(recipe, overrides)
    if not isinstance(config, Recipe):
        raise ParameterError(
            f"recipe: found a relational network of task {config.task!r}, expected a classifier"
        )
    out = Path(out) if out else Path(f"{name}.net")
    if out.suffix != ".net":
        raise LavaAHPError(f"out: found {str(out)!r}, expected a file name that ends in .net")
    if resume and begin:
        raise ParameterError(f"begin: found {str(begin)!r} and resume, expected one of the two")
    threads = torch.get_num_threads()
    distributed.join()
    run = _Run(config, RUNS / out.stem, data)
    if resume:
        run.load()
    elif begin:
        run.begin(Path(begin))
    torch.set_num_threads(1)
    if distributed.rank() > 0:
        report = progress = None
    try:
        with threadpool_limits(1, user_api="blas"):
            while not run.finished:
                entry = run.train_epoch(progress or (lambda done, total, entry: None))
                if report:
                    report(entry)
    finally:
        torch.set_num_threads(threads)
        run.pool.shutdown()
    network, metrics = run.finish(str(recipe), overrides, out, test)
    written = out if distributed.rank() == 0 else None
    return Trained(network, written, run.folder, metrics, run.history)


class _Run:
    """A training in progress: everything that a checkpoint has to hold."""

    def __init__(self, recipe, folder, data):
        self.recipe = recipe
        self.folder = folder
        self.data_path = data
        self.task = tasks.get(recipe.task)
        self.encoding = self.task.default_encoding()
        self.data = self.task.load("train", data)
        self.validation = self.task.load("validation", data)
        self.random = np.random.default_rng(recipe.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.model = Classifier(
                recipe, self.encoding.n_channels, len(self.task.CLASS_NAMES), self.random
            )
        settings = recipe.training
        self.average = AveragedModel(
            self.model, multi_avg_fn=get_ema_multi_avg_fn(settings.weight_average)
        )
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        groups = [
            {
                "params": [getattr(column.neuron, name) for column in self.model.columns],
                "lr": rate * settings.learning_rate,
            }
            for name, rate in settings.constant_rates().items()
            if rate
        ]
        self.decays = [
            getattr(column.neuron, name)
            for column in self.model.columns
            for name in DECAYS
            if name in column.neuron.requires_grad
        ]
        known = {id(p) for group in groups for p in group["params"]}
        groups.insert(0, {"params": [p for p in self.parameters if id(p) not in known]})
        self.optimiser = torch.optim.Adam(groups, lr=settings.learning_rate)
        self.n_batches = math.ceil(len(self.data) / settings.batch_size)
        smallest = len(self.data) - (self.n_batches - 1) * settings.batch_size
        if smallest < distributed.world_size():
            raise ParameterError(
                f"training.batch_size: found {settings.batch_size}, which leaves {smallest} samples for "
                f"the last batch, expected at least one for each of {distributed.world_size()} processes"
            )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.pool = ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS)
        self.epoch = 0
        self.order = None
        self.position = 0
        self.totals = None
        self.history = []
        self.best = None
        self.begun_with = []
        self.seconds = 0.0
        self.saved_at = time.monotonic()

    @property
    def checkpoint(self):
        return self.folder / "checkpoint.pt"

    @property
    def finished(self):
        """Whether all epochs are done, or validation has not improved for long enough."""
        settings = self.recipe.training
        accuracies = [entry["validation_accuracy"] for entry in self.history]
        waited = len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0
        return self.epoch >= settings.epochs or 0 < settings.patience <= waited

    def _rate(self, update):
        """Share of the full learning rate that an update has."""
        settings = self.recipe.training
        rate = min(1.0, (update + 1) / (settings.warmup_updates + 1))
        if settings.schedule == "cosine":
            cycle = self.n_batches * settings.epochs / settings.cycles
            rate *= (1 + math.cos(math.pi * (update % cycle) / cycle)) / 2
        return rate

    def _damping(self, update):
        """Damping of the surrogate gradient in an update."""
        settings = self.recipe.training
        first, last = np.broadcast_to(settings.damping, 2)
        n_updates = self.n_batches * settings.epochs
        return float(first + (last - first) * update / n_updates)

    def train_epoch(self, progress):
        """The rest of a pass over the training data, then the validation data."""
        settings = self.recipe.training
        if self.order is None:
            self.order, self.position = self.random.permutation(len(self.data)), 0
            self.totals = {**dict.fromkeys(SUMS, 0.0), "v_min": math.inf, "v_max": -math.inf}
        while self.position < len(self.order):
            started = time.monotonic()
            chosen = self.order[self.position : self.position + settings.batch_size]
            self._update(chosen)
            self.position += len(chosen)
            self.seconds += time.monotonic() - started
            done = self.epoch * self.n_batches + math.ceil(self.position / settings.batch_size)
            progress(done, self.n_batches * settings.epochs, self._entry(self.position))
            if time.monotonic() - self.saved_at >= 60 * settings.checkpoint_minutes:
                self.save()
        started = time.monotonic()
        accuracy = self._validate()
        self.seconds += time.monotonic() - started
        entry = {
            **self._entry(len(self.order)),
            "validation_accuracy": accuracy,
            "density": self.model.density(),
        }
        self.epoch += 1
        self.order = None
        self.history.append(entry)
        if self.best is None or accuracy >= self.best["accuracy"]:
            weights = {
                key: value.clone() for key, value in self.average.module.state_dict().items()
            }
            self.best = {"accuracy": accuracy, "epoch": self.epoch, "weights": weights}
        self._write_metrics()
        due = time.monotonic() - self.saved_at >= 60 * settings.checkpoint_minutes
        if due or self.finished:
            self.save()
        return entry

    def _update(self, chosen):
        """One step of the optimiser on the samples `chosen`."""
        settings = self.recipe.training
        self.model.set_damping(self._damping(self.schedule.last_epoch))
        measured = self.backward(chosen)
        torch.nn.utils.clip_grad_norm_(self.parameters, settings.gradient_clip)
        self._step()
        rate = self.schedule.get_last_lr()[0] / settings.learning_rate
        measured["moved_synapses"] = self.model.rewire(
            self.optimiser, rate * settings.rewiring_shrink, rate * settings.rewiring_noise
        )
        self.schedule.step()
        self.average.update_parameters(self.model)
        for key in SUMS:
            self.totals[key] += len(chosen) * measured[key]
        self.totals["v_min"] = min(self.totals["v_min"], measured["v_min"])
        self.totals["v_max"] = max(self.totals["v_max"], measured["v_max"])

    def _step(self):
        """A step of the optimiser, in which decays change by shares of themselves.

        Steps of one size for all of them would take those of slow neurons, a few units of the
        12 bits, from one integer to the next at every update.
        """
        with torch.no_grad():
            before = [decay.clone() for decay in self.decays]
            for decay in self.decays:
                decay.zero_()
            self.optimiser.step()
            for decay, value in zip(self.decays, before):
                decay.copy_(value * decay.exp())

    def backward(self, chosen):
        """Gradients of loss and penalties over the samples `chosen`, and what was measured.

        They are the same, up to the order of sums, for any number of processes.
        """
        settings = self.recipe.training
        images = self.data.images[chosen]
        if settings.augment and self.epoch < settings.epochs - settings.plain_epochs:
            images = self.task.augment(images, self.random, settings.augment_noise)
        images = distributed.share(images)
        labels = torch.from_numpy(distributed.share(self.data.labels[chosen]))
        part = len(images) / len(chosen)
        spikes = self._spikes(images)
        self.optimiser.zero_grad()

        def learn(index):
            column = self.model(spikes, index)
            loss = part * self._loss(column.output, labels)
            means = {
                key: distributed.total(part * getattr(column.activity, key)) for key in MEANS
            }
            self.model.update_mean_rates(index, means["rate"].detach())
            # Each process has the whole penalty, with gradients to its own samples only.
            ((loss + self._penalty(**means)) / n_columns).backward()
            return loss.detach(), means, column.output.detach(), column.activity

        n_columns = self.recipe.network.columns
        # Columns share no weights, so that gradients do not depend on which is first. While
        # one is in Python another computes.
        side_by_side = n_columns > 1 and distributed.world_size() == 1
        results = (self.pool.map if side_by_side else map)(learn, range(n_columns))
        losses, means, outputs, activity = zip(*results)
        distributed.add_gradients(self.parameters)
        right = part * (sum(outputs).argmax(1) == labels).float().mean()
        v_min = torch.stack([a.v_min.min() for a in activity]).min()
        v_max = torch.stack([a.v_max.max() for a in activity]).max()
        return {
            "loss": distributed.total(sum(losses) / n_columns).item(),
            "accuracy": distributed.total(right).item(),
            "firing_rate": float(np.mean([mean["rate"].mean().item() for mean in means])),
            "below": float(np.mean([mean["below"].mean().item() for mean in means])),
            "v_min": distributed.extreme(v_min, largest=False).item(),
            "v_max": distributed.extreme(v_max, largest=True).item(),
        }

    def _spikes(self, images):
        return torch.from_numpy(self.encoding.encode(images.reshape(len(images), -1))).float()

    def _entry(self, n_samples):
        """Means over the epoch's samples so far, and where the training stands."""
        return {
            "epoch": self.epoch + 1,
            "epochs": self.recipe.training.epochs,
            **{key: self.totals[key] / n_samples for key in SUMS},
            "v_min": self.totals["v_min"],
            "v_max": self.totals["v_max"],
            "seconds": self.seconds,
        }

    def _loss(self, output, labels):
        settings = self.recipe.training
        logits = settings.output_gain * output / self.recipe.network.threshold
        return cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)

    def _penalty(self, rate, depth, below):
        settings = self.recipe.training
        excess = rate_penalty(rate, settings.firing_rate_target, settings.firing_rate_floor)
        return settings.firing_rate_weight * excess + settings.voltage_weight * voltage_penalty(depth)

    def _validate(self):
        """Accuracy on the validation split; the forward pass is the integer network."""
        n_right = 0
        self.average.module.keep_connectivity()
        if self.recipe.network.centred_readout:
            images = self.data.images[:CENTRING_SAMPLES]
            parts = range(0, len(images), VALIDATION_BATCH)
            self.average.module.centre(
                self._spikes(images[start : start + VALIDATION_BATCH]) for start in parts
            )
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
            "order": None if self.order is None else self.order.tolist(),
            "position": self.position,
            "totals": self.totals,
            "history": self.history,
            "best": self.best,
            "begun_with": self.begun_with,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": self.random.bit_generator.state,
        }
        if distributed.rank() == 0:
            with written_whole(self.checkpoint) as temporary:
                torch.save(state, temporary)
        self.saved_at = time.monotonic()

    def load(self):
        """Go on from the checkpoint."""
        tables = "task", "seed", "network", "training"
        state = distributed.of_first(
            lambda: checkpoint.read(self.checkpoint, self.recipe, tables)
        )
        self.epoch, self.history = state["epoch"], state["history"]
        self.order = None if state["order"] is None else np.array(state["order"])
        self.position, self.totals = state["position"], state["totals"]
        self.best, self.seconds = state["best"], state["seconds"]
        self.begun_with = state["begun_with"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.random.bit_generator.state = state["random"]

    def begin(self, path):
        """Begin with the best weights of another run's checkpoint."""
        state = distributed.of_first(
            lambda: checkpoint.read(path, self.recipe, ("task", "network"))
        )
        best = state["best"]
        if best is None:
            raise FileFormatError(path, "best", "found no epoch that was validated, expected one")
        self.model.load_state_dict(best["weights"])
        self.average.module.load_state_dict(best["weights"])
        run = {
            "best_epoch": best["epoch"],
            "validation_accuracy": best["accuracy"],
            "epochs": len(state["history"]),
            "seconds": state["seconds"],
            "training": state["recipe"]["training"],
        }
        self.begun_with = [*state["begun_with"], run]

    def finish(self, recipe, overrides, out, test):
        """Write network, card, metrics and plot of the best epoch; `recipe` as the user named it."""
        self.model.load_state_dict(self.best["weights"])
        network = self.model.to_network(self._metadata({}))
        if distributed.rank() > 0:
            return network, {}
        metrics = {}
        for split in ("train", "validation", "test") if test else ("train", "validation"):
            found = evaluate(network, self.data_path, split)
            counts = found.operations
            metrics[split] = {
                "accuracy": found.accuracy,
                "n": found.n,
                "firing_rate": found.firing_rate,
                "overflows": sum(counts.wraps.values()) + sum(counts.saturations.values()),
                "readout_spikes": found.readout_spikes,
            }
        command = ["lava-ahp", "train", recipe]
        for override in overrides:
            command += ["--set", override]
        command += [] if self.data_path is None else ["--data", "DATA"]
        command += ["--begin", "CHECKPOINT"] if self.begun_with else []
        command += ["--out", out.name]
        command += ["--test"] if test else []
        provenance = {
            "recipe": recipe,
            "overrides": list(overrides),
            "command": shlex.join(command),
            "seed": self.recipe.seed,
            "best_epoch": self.best["epoch"],
            "epochs": len(self.history),
            "training_samples": len(self.data),
            "seconds": self.seconds,
            "metrics": metrics,
        }
        if self.begun_with:
            provenance["begun_with"] = [self._differing(run) for run in self.begun_with]
        network = replace(network, metadata=self._metadata(provenance))
        netx.write(network, out)
        write_card(out.with_suffix(".md"), network, self.recipe)
        with written_whole(self.folder / "training.png") as temporary:
            plots.training(self.history).savefig(temporary, format="png", dpi=150)
        return network, metrics

    def _differing(self, run):
        """A run that this one was begun with, with those of its settings that differ from this one's."""
        mine = self.recipe.training.model_dump(mode="json")
        settings = {k: v for k, v in run["training"].items() if mine.get(k) != v}
        return {**run, "training": settings}

    def _write_metrics(self):
        """Write the course of the training so far."""
        if distributed.rank() > 0:
            return
        with written_whole(self.folder / "metrics.csv") as temporary:
            with open(temporary, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=self.history[-1])
                writer.writeheader()
                writer.writerows(self.history)
