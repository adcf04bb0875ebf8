"""From a recipe and stories to a folder with a relational network and its model card."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from lava_ahp import relational
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.slayer.regularisation import rate_penalty, voltage_penalty
from lava_ahp.tasks import babi
from lava_ahp.training.relational.card import write_card
from lava_ahp.training.relational.head import Overlap, RateHead, SpikingHead
from lava_ahp.training.relational.reader import Reader
from lava_ahp.training.relational.stage import StageRun

RUNS = Path("runs")
"""Folder for checkpoints, one folder per network."""

VALIDATION_BATCH = 50
"""Questions that are validated at a time."""


@dataclass(frozen=True)
class RelationalTrained:
    """What a training gives.

    Attributes
    ----------
    network : RelationalNetwork
    path : Path
        Its folder, with the model card `README.md`.
    run_folder : Path
        With the checkpoints.
    metrics : dict of dict
        By task: `float_accuracy` of the rates in floating point, `accuracy` and `firing_rate` of
        the spiking network, `n`, the updates of each stage and the `seconds` of all.
    """

    network: relational.RelationalNetwork
    path: Path
    run_folder: Path
    metrics: dict


def train_relational(
    recipe, data, name, overrides=(), out=None, resume=False, extend=False, report=None
):
    """Train readers and heads; the folder is written after each head.

    The same recipe, data and seed give the same network on the same machine, also where the run
    was interrupted and resumed.

    Parameters
    ----------
    recipe : RelationalRecipe
    data : str or Path
        What :func:`lava_ahp.tasks.babi.read` reads, with a train and a validation split.
    name : str
        Name of the recipe, for the model card.
    overrides : iterable of str
        Changes of the recipe, for the model card.
    out : str or Path, optional
        Folder to write; by default the recipe's name.
    resume : bool, optional
        Whether to go on from the checkpoints of an interrupted run.
    extend : bool, optional
        Whether to add to the network that is in `out`: it keeps its readers, and its heads but
        those of the recipe's tasks.
    report : callable, optional
        Called after each update with the stage's name, the updates done, their total and the
        share of recent answers (or words) that were right.

    Returns
    -------
    RelationalTrained

    Raises
    ------
    LavaAHPError
        If data, folder or checkpoint cannot be used, or the network in the folder is of another
        shape than the recipe's.
    """
    if data is None:
        raise ParameterError("data: found none, expected a folder or archive of bAbI stories")
    out = Path(out) if out else Path(name)
    if out.exists() and not out.is_dir():
        raise FileFormatError(out, "", "found a file, expected a folder or nothing")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = _Run(recipe, data, RUNS / out.name, resume, report or (lambda *_: None))
        if extend:
            begun, provenance = relational.read(out), relational.read_provenance(out)
            run.check(begun, out)
            earlier = provenance["metrics"]
            provenance["added"] = [*provenance.get("added", ()), list(overrides)]
        else:
            begun, earlier = run.readers(), {}
            provenance = {
                "recipe": name,
                "overrides": list(overrides),
                "seed": recipe.seed,
                "reader": run.reader_metrics,
            }
        for network, metrics in run.train(begun):
            found = {**earlier, **{str(task): values for task, values in metrics.items()}}
            provenance["metrics"] = {task: found[task] for task in sorted(found, key=int)}
            relational.write(network, out, provenance)
            write_card(out, network, recipe, provenance)
    finally:
        torch.set_num_threads(threads)
    return RelationalTrained(network, out, run.folder, metrics)


class _Run:
    def __init__(self, recipe, data, folder, resume, report):
        self.recipe, self.folder, self.resume, self.report = recipe, folder, resume, report
        every = babi.read(data, "train")
        self.words = babi.Vocabulary.of(q for task in every.values() for q in task).words
        self.training = {task: every[task] for task in recipe.tasks if task in every}
        missing = [task for task in recipe.tasks if task not in every]
        if missing:
            raise FileFormatError(data, "", f"found no training file of task {missing[0]}, expected one")
        self.validation = babi.read(data, "validation", recipe.tasks)
        self.all_questions = [q for task in every.values() for q in task]
        self.reader_metrics = {}

    def check(self, network, folder):
        """Whether heads of the recipe fit the readers of a network.

        Raises
        ------
        FileFormatError
            Names the first field that differs.
        """
        recipe = self.recipe
        if network.words != self.words:
            differs = sorted(set(network.words) ^ set(self.words))[0]
            raise FileFormatError(
                folder,
                "words",
                f"found {len(network.words)}, expected the {len(self.words)} of the data; "
                f"only one of them has {differs!r}",
            )
        expected = {
            "encoding": recipe.encoding(),
            "window": recipe.window,
            "max_words": recipe.max_words,
            "max_sentences": recipe.max_sentences,
        }
        for name, value in expected.items():
            if getattr(network, name) != value:
                raise FileFormatError(
                    folder, name, f"found {getattr(network, name)}, expected {value} as in the recipe"
                )
        if network.sentence.n_outputs != recipe.reader.neurons:
            raise FileFormatError(
                folder,
                "sentence",
                f"found {network.sentence.n_outputs} neurons, expected {recipe.reader.neurons} "
                f"as in the recipe",
            )

    def readers(self):
        """A network of readers that have learned, without heads."""
        recipe = self.recipe
        vocabulary = babi.Vocabulary(self.words, ())
        table = babi.QuestionTable.of(
            self.all_questions, vocabulary, recipe.max_words, recipe.max_sentences
        )
        return relational.RelationalNetwork(
            sentence=self._reader("sentence", 1, table.sentences),
            question=self._reader("question", 2, table.queries),
            heads={},
            words=self.words,
            encoding=recipe.encoding(),
            window=recipe.window,
            max_words=recipe.max_words,
            max_sentences=recipe.max_sentences,
        )

    def train(self, network):
        """The network, and metrics by task, after each of the recipe's heads."""
        metrics = {}
        for task in self.recipe.tasks:
            head, metrics[task] = self._head(network, task)
            network = replace(network, heads={**network.heads, task: head})
            found = relational.evaluate(network, {task: self.validation[task]}, "validation")
            metrics[task] |= {
                "accuracy": found.accuracy,
                "firing_rate": found.firing_rate(),
                "n": found.n,
                "readout_spikes": found.readout_spikes,
            }
            yield network, dict(metrics)

    def _stage(self, name, recipe, module, number, weight_average=0.0):
        stage = StageRun(
            self.folder / f"{name}.pt",
            recipe,
            module,
            (self.recipe.seed, *number),
            weight_average,
            self.recipe.checkpoint_minutes,
        )
        if self.resume:
            stage.load()
        return stage

    def _reporter(self, name):
        return lambda *state: self.report(name, *state)

    def _reader(self, name, number, words):
        recipe = self.recipe
        random = np.random.default_rng((recipe.seed, number))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed + number)
            reader = Reader(recipe, len(self.words), random)
        stage = self._stage(name, recipe.reader, reader, (number,))
        size = recipe.reader.batch_size

        def batch(stage):
            return reader.loss(words[stage.random.integers(0, len(words), size)])

        stage.run(batch, self._reporter(f"{name} reader"))
        with torch.no_grad():
            right = [reader.loss(words[i : i + size])[1] for i in range(0, len(words), size)]
        self.reader_metrics[name] = {
            "words_right": float(np.mean(right)),
            "updates": stage.update,
            "seconds": stage.seconds,
        }
        return reader.to_network(name)

    def _head(self, network, task):
        recipe, training = self.recipe, self.training[task]
        own = babi.Vocabulary.of(training)
        vocabulary = babi.Vocabulary(self.words, own.answers)
        tables = [
            babi.QuestionTable.of(questions, vocabulary, recipe.max_words, recipe.max_sentences)
            for questions in (training, self.validation[task])
        ]
        # Spikes as (time, row, neuron) in memory, as the kernels read them.
        spikes = [
            [
                torch.from_numpy(np.ascontiguousarray(c.spikes.swapaxes(0, 1))).float()
                for c in relational.codes(network, table)
            ]
            for table in tables
        ]
        rates = [[s.mean(0) for s in part] for part in spikes]
        spikes = [[s.permute(1, 2, 0) for s in part] for part in spikes]
        draw = _drawing(tables[0], training, recipe.balance)
        if recipe.renamings:
            random = np.random.default_rng((recipe.seed, 6, task))
            renaming = babi.Renaming(task, tables[0], vocabulary, recipe.renamings, random)
            plain = draw

            def draw(stage):
                return renaming(plain(stage), stage.random)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed + 100 * task)
            n_pairs = len(babi.pairs_of(tables[0]).question) / len(tables[0])
            rate_head = RateHead(recipe, len(own.answers), n_pairs)
            overlap = Overlap(tables[0], len(self.words), recipe.head.relation[0])
        found = {"seconds": 0.0}
        for number, name, settings in ((3, "smooth", recipe.smooth), (4, "rates", recipe.rates)):
            module = torch.nn.ModuleList([rate_head, overlap])
            stage = self._stage(f"{name}-{task}", settings, module, (number, task))

            def rate_batch(stage, rounds=name == "rates"):
                table = draw(stage)
                rate_head.clamp()
                random = stage.torch_random if rounds else None
                logits, layers = rate_head(*rates[0], table, random)
                target = stage.recipe.rate_target
                excess = sum((r.mean(0) - target).clamp(min=0).mean() for r in layers)
                penalty = stage.recipe.rate_weight * excess
                if stage.recipe.overlap_weight:
                    penalty = penalty + _overlap_weight(stage) * overlap.loss(layers[0], table)
                return _loss(logits, table, penalty)

            stage.run(rate_batch, self._reporter(f"task {task}, {name}"))
            rate_head.clamp()
            if name == "smooth":
                found["float_accuracy"] = _accuracy(lambda t: rate_head(*rates[1], t)[0], tables[1])
            found[f"{name}_updates"] = stage.update
            found["seconds"] += stage.seconds
        head = SpikingHead(recipe, rate_head)
        stage = self._stage(f"spikes-{task}", recipe.spikes, head, (5, task), recipe.spikes.weight_average)
        settings = recipe.spikes

        def spiking_batch(stage):
            table = draw(stage)
            logits, activity = head(*spikes[0], table)
            penalty = sum(
                settings.firing_rate_weight * rate_penalty(a.rate, settings.firing_rate_target)
                + settings.voltage_weight * voltage_penalty(a.depth)
                for a in activity
            )
            return _loss(logits, table, penalty)

        stage.run(spiking_batch, self._reporter(f"task {task}, spikes"))
        found["spikes_updates"] = stage.update
        found["seconds"] += stage.seconds
        return head.to_head(own.answers, own.words), found


def _drawing(table, questions, balance):
    """Function that draws a batch by a stage's generator, of the stories that are asked by now."""
    lengths = table.n_sentences
    shortest_first = np.argsort(lengths, kind="stable")
    n_shortest = np.count_nonzero(lengths == lengths.min())
    place = np.array([len(q.story) - max(q.support, default=len(q.story) - 1) for q in questions])
    weight = np.cumsum(np.bincount(place)[place[shortest_first]] ** -float(balance))

    def draw(stage):
        n = max(round(stage.grown * len(table)), n_shortest)
        drawn = stage.random.random(stage.recipe.batch_size) * weight[n - 1]
        return table[shortest_first[np.searchsorted(weight[: n - 1], drawn, side="right")]]

    return draw


def _overlap_weight(stage):
    """What the overlap's loss is worth: it falls over the first two thirds of a stage."""
    return stage.recipe.overlap_weight * max(0.05, 1 - 1.5 * stage.update / stage.recipe.updates)


def _loss(logits, table, penalty):
    labels = torch.from_numpy(table.answer)
    right = (logits.argmax(1) == labels).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, labels) + penalty, right


def _accuracy(answer, table):
    n_right = 0
    with torch.no_grad():
        for start in range(0, len(table), VALIDATION_BATCH):
            part = table[start : start + VALIDATION_BATCH]
            n_right += int((answer(part).argmax(1).numpy() == part.answer).sum())
    return n_right / len(table)
