"""A relational network as plain data: four kinds of parts that hand on their spikes."""

from dataclasses import dataclass

import numpy as np

from lava_ahp.errors import ParameterError
from lava_ahp.network import NetworkSpec
from lava_ahp.tasks.babi import MAX_SENTENCES, Vocabulary, WordSpikes


@dataclass(frozen=True, eq=False)
class Head:
    """What answers the questions of a task.

    Attributes
    ----------
    relation : NetworkSpec
        Network g. Its inputs are the spikes of the more recent sentence of a pair, of the older
        one and of the question, then one channel for the place of each of the two sentences.
    answer : NetworkSpec
        Network f, which takes the sum of g's spikes over all pairs, and answers by voltage; its
        class names are the answers.
    words : tuple of str
        Words of the stories and questions that it learned from.
    """

    relation: NetworkSpec
    answer: NetworkSpec
    words: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RelationalNetwork:
    """Readers that are shared by all tasks, and a head for each task.

    Attributes
    ----------
    sentence, question : NetworkSpec
        Recurrent networks that read words, one channel a word.
    heads : dict of Head
        By the number of the task.
    words : tuple of str
        What the readers' channels stand for.
    encoding : WordSpikes
    window : int
        Last steps of the readers whose spikes go on.
    max_words, max_sentences : int
        Longest sentence; sentences of a story that are seen, the most recent ones.

    Raises
    ------
    ParameterError
        If parts do not fit together.
    """

    sentence: NetworkSpec
    question: NetworkSpec
    heads: dict
    words: tuple[str, ...]
    encoding: WordSpikes
    window: int = 14
    max_words: int = 11
    max_sentences: int = MAX_SENTENCES

    def __post_init__(self):
        for name in ("sentence", "question"):
            part = getattr(self, name)
            _check(name, "inputs", part.n_inputs, len(self.words), "one a word")
            if any(np.any(layer.neuron.bias_mant) for layer in part.layers):
                raise ParameterError(
                    f"{name}: found neurons with a bias, expected none: what is at rest must stay "
                    f"so before the first word"
                )
        if self.window > self.encoding.n_steps(1):
            raise ParameterError(
                f"window: found {self.window}, expected at most {self.encoding.n_steps(1)}, "
                f"the steps of one word"
            )
        n = 2 * self.sentence.n_outputs + self.question.n_outputs + 2 * self.max_sentences
        for task, head in self.heads.items():
            _check(f"relation of task {task}", "inputs", head.relation.n_inputs, n, "")
            outputs = head.relation.n_outputs
            _check(f"answer of task {task}", "inputs", head.answer.n_inputs, outputs, "")
            if not (head.answer.takes_integers and head.answer.metadata.class_names):
                raise ParameterError(
                    f"answer of task {task}: found no graded input or no class names, expected both"
                )

    def head(self, task):
        """The head of a task; ParameterError if there is none."""
        if task not in self.heads:
            raise ParameterError(f"task: found {task!r}, expected one of {sorted(self.heads)}")
        return self.heads[task]

    def vocabulary(self, task):
        """Words, and the answers of a task."""
        return Vocabulary(self.words, self.head(task).answer.metadata.class_names)

    def parts(self, task):
        """The four networks that answer questions of a task, by name, in the order in which they run."""
        head = self.head(task)
        return {
            "sentence": self.sentence,
            "question": self.question,
            "relation": head.relation,
            "answer": head.answer,
        }

    def scale(self, task, n_sentences=None):
        """Copies, neurons and synapses of the whole network side by side.

        Parameters
        ----------
        task : int
        n_sentences : int, optional
            Sentences of the story; by default as many as there may be.

        Returns
        -------
        dict of dict
            By part, and `total`: `copies`, `neurons`, `synapses`. The neurons are those of all
            copies. Channels of places are inputs and no neurons.
        """
        n = self.max_sentences if n_sentences is None else n_sentences
        copies = {"sentence": n, "question": 1, "relation": n * (n + 1) // 2, "answer": 1}
        found = {}
        for name, part in self.parts(task).items():
            synapses = sum(c.n_synapses for l in part.layers for c in l.connections.values())
            found[name] = {
                "copies": copies[name],
                "neurons": copies[name] * sum(layer.n_neurons for layer in part.layers),
                "synapses": copies[name] * synapses,
            }
        found["total"] = {key: sum(part[key] for part in found.values()) for key in found["answer"]}
        return found


    def describe(self):
        """What the network consists of: plain numbers and strings, fit for JSON.

        Each head has the :meth:`scale` of the whole network with it.
        """
        return {
            "words": list(self.words),
            "encoding": self.encoding.to_dict(),
            "window": self.window,
            "max_words": self.max_words,
            "max_sentences": self.max_sentences,
            "heads": {
                str(task): {"answers": list(self.vocabulary(task).answers), "scale": self.scale(task)}
                for task in self.heads
            },
        }


@dataclass(frozen=True, eq=False)
class Answers:
    """What a relational network does with questions of a task.

    Attributes
    ----------
    output : ndarray of int64, shape (n, n_answers)
        Readout voltages after the last step.
    spikes : dict of ndarray of int64, shape (n,)
        Spikes of all copies for each question, by part, the readout's left out.
    neuron_steps : dict of ndarray of int64, shape (n,)
        Neurons that could have spiked, times their steps, likewise.
    synaptic_events : dict of ndarray of int64, shape (n,)
        For each spike, the synapses that it meets, by the part that receives.
    readout_spikes : ndarray of int64, shape (n,)
        Spikes of the readout, which should only integrate.
    """

    output: np.ndarray
    spikes: dict
    neuron_steps: dict
    synaptic_events: dict
    readout_spikes: np.ndarray

    @property
    def predictions(self):
        """Index of the first largest output, int64, shape (n,)."""
        return np.argmax(self.output, axis=1).astype(np.int64)


def _check(where, what, found, expected, why):
    if found != expected:
        raise ParameterError(
            f"{where}: found {found} {what}, expected {expected}{', ' + why if why else ''}"
        )
