"""How well a relational network answers, task by task, how much it fires and what it computes."""

import time
from dataclasses import dataclass

import numpy as np

from lava_ahp import engine
from lava_ahp.errors import ParameterError, check_count
from lava_ahp.relational.files import load
from lava_ahp.relational.run import answer, codes
from lava_ahp.tasks import babi

PARTS = ("sentence", "question", "relation", "answer")

SOLVED = 0.95
"""Accuracy at which a task of bAbI counts as solved (Weston et al., 2015)."""

QUESTIONS = 50
"""Questions that are answered at a time."""


@dataclass(frozen=True, eq=False)
class RelationalEvaluation:
    """What a relational network did with labelled questions.

    Attributes
    ----------
    network : str
        Name or folder.
    split, backend : str
    predictions, labels : dict of ndarray of int64, shape (n,)
        By task; a label is -1 where the network does not know the answer at all.
    spikes, neuron_steps, synaptic_events : dict of dict of int
        By task and part, over all questions and all copies.
    readout_spikes : int
    seconds : float
        Wall time of the whole run.
    """

    network: str
    split: str
    backend: str
    predictions: dict
    labels: dict
    spikes: dict
    neuron_steps: dict
    synaptic_events: dict
    readout_spikes: int
    seconds: float

    @property
    def n(self):
        """Number of questions."""
        return sum(map(len, self.labels.values()))

    @property
    def n_correct(self):
        """Number of questions that were answered right."""
        return sum(self.task_correct(task) for task in self.labels)

    @property
    def accuracy(self):
        """Mean over the tasks of their accuracies."""
        return float(np.mean([self.task_accuracy(task) for task in self.labels]))

    def task_correct(self, task):
        """Number of questions of a task that were answered right."""
        return int(np.count_nonzero(self.predictions[task] == self.labels[task]))

    def task_accuracy(self, task):
        """Fraction of a task's questions that were answered right."""
        return self.task_correct(task) / len(self.labels[task])

    @property
    def solved(self):
        """Tasks that count as solved."""
        return [task for task in self.labels if self.task_accuracy(task) >= SOLVED]

    def firing_rate(self, task=None, part=None):
        """Share of neurons that fire in a step, of a task or all, of a part or the whole."""
        tasks = self.labels if task is None else (task,)
        parts = PARTS if part is None else (part,)
        spikes = sum(self.spikes[t][p] for t in tasks for p in parts)
        return spikes / sum(self.neuron_steps[t][p] for t in tasks for p in parts)

    def to_dict(self):
        """Plain numbers, strings, lists and dicts, fit for JSON."""
        return {
            "network": self.network,
            "task": babi.NAME,
            "split": self.split,
            "backend": self.backend,
            "tasks": {
                str(task): {
                    "accuracy": self.task_accuracy(task),
                    "n": len(self.labels[task]),
                    "n_correct": self.task_correct(task),
                    "firing_rate": self.firing_rate(task),
                    "spikes": self.spikes[task],
                    "neuron_updates": self.neuron_steps[task],
                    "synaptic_events": self.synaptic_events[task],
                }
                for task in self.labels
            },
            "n": self.n,
            "n_correct": self.n_correct,
            "accuracy": self.accuracy,
            "solved": self.solved,
            "firing_rate": self.firing_rate(),
            "firing_rates": {part: self.firing_rate(part=part) for part in PARTS},
            "synaptic_events": sum(sum(t.values()) for t in self.synaptic_events.values()),
            "readout_spikes": self.readout_spikes,
            "seconds_per_question": self.seconds / self.n,
        }


def evaluate(
    network, data, split=None, tasks=None, backend="engine", limit=None, layout=None, progress=None
):
    """Answer labelled questions.

    Parameters
    ----------
    network : RelationalNetwork, str or Path
        A network, the name of a shipped one, or its folder.
    data : str, Path or dict of list of Question
        Questions, or what :func:`lava_ahp.tasks.babi.read` reads.
    split : str, optional
        By default `test` where the data have it, or else `validation`, or else `train`.
    tasks : iterable of int, optional
        By default those that network and data have in common.
    backend : {"engine", "lava"}, optional
        Both give the same answers.
    limit : int, optional
        Use the first questions of each task only.
    layout : str, optional
        As for :func:`lava_ahp.tasks.babi.read`.
    progress : callable, optional
        Called with the number of questions that are done, and their total.

    Returns
    -------
    RelationalEvaluation

    Raises
    ------
    LavaAHPError
        If network or data cannot be read, or do not fit together.
    """
    if data is None:
        raise ParameterError("data: found none, expected a folder or archive of bAbI stories")
    net = load(network)
    if limit is not None:
        check_count("limit", limit)
    if isinstance(data, dict):
        found, split = data, split or "test"
    else:
        split = split or babi.default_split(data, layout)
        found = babi.read(data, split, tasks, layout)
    chosen = [t for t in found if t in net.heads] if tasks is None else sorted(set(tasks))
    if not chosen:
        raise ParameterError(
            f"tasks: found none of {sorted(found)} in the network, expected any of {sorted(net.heads)}"
        )
    questions = {task: found[task][:limit] for task in chosen}
    simulate = simulator(backend)
    total, done, started = sum(map(len, questions.values())), 0, time.perf_counter()
    labels, predictions, counts = {}, {}, {"spikes": {}, "neuron_steps": {}, "synaptic_events": {}}
    readout_spikes = 0
    for task in chosen:
        table = babi.QuestionTable.of(
            questions[task], net.vocabulary(task), net.max_words, net.max_sentences
        )
        labels[task], predicted, read = table.answer, [], codes(net, table, simulate)
        for name in counts:
            counts[name][task] = dict.fromkeys(PARTS, 0)
        for start in range(0, len(table), QUESTIONS):
            rows = slice(start, min(start + QUESTIONS, len(table)))
            answers = answer(net, task, table[rows], simulate, read)
            predicted.append(answers.predictions)
            readout_spikes += int(answers.readout_spikes.sum())
            for name, by_task in counts.items():
                for part, values in getattr(answers, name).items():
                    by_task[task][part] += int(values.sum())
            if progress:
                progress(done + rows.stop, total)
        predictions[task] = np.concatenate(predicted)
        done += len(table)
    return RelationalEvaluation(
        network=str(network) if not isinstance(network, type(net)) else "network",
        split=split,
        backend=backend,
        predictions=predictions,
        labels=labels,
        readout_spikes=readout_spikes,
        seconds=time.perf_counter() - started,
        **counts,
    )


def simulator(backend="engine"):
    """Function `(network, spikes, record)` that runs samples in the engine or on Lava."""
    if backend == "engine":
        return engine.simulate
    from lava_ahp.processes import simulate_on_lava

    return lambda network, spikes, record=(): simulate_on_lava(
        network, spikes, spikes.shape[1], record
    )
