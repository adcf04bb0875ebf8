"""Networks g and f of a task: first as firing rates in floating point, then as spikes.

Rates learn many times faster, because they have no time axis: a neuron's rate is a smooth
function of its mean input, in steps of one spike in the window. The spiking network starts from
their weights and learns what rates leave out.
"""

import numpy as np
import torch

from lava_ahp.network import Metadata, NetworkSpec
from lava_ahp.relational import Head
from lava_ahp.slayer import Triangular
from lava_ahp.slayer.block import ahp as block
from lava_ahp.slayer.linear import linear
from lava_ahp.slayer.rows import membership, sum_rows
from lava_ahp.tasks.babi import pairs_of

GAIN = 4.0
"""Logits of a mean readout input of 1 threshold a step."""


RATE_SCALE = 0.1
"""What rates are about, in spikes a step."""


class Story:
    """Which rows of a batch's readers and places go into which pairs.

    Parameters
    ----------
    table : QuestionTable

    Attributes
    ----------
    sentences, queries : ndarray of int
        Rows of the table's sentences and questions that occur.
    first, second : csr_matrix, shape (slot, sentence + place)
        Sentence and place of each sentence of each story.
    pairs : csr_matrix, shape (pair, 2 * slot + query)
    total : csr_matrix, shape (question, pair)
    """

    def __init__(self, table):
        told = table.story >= 0
        question, place = np.nonzero(told)
        self.sentences, sentence = np.unique(table.story[told], return_inverse=True)
        self.queries, query = np.unique(table.query, return_inverse=True)
        n_slots, n_places = len(question), table.story.shape[1]
        slot = np.arange(n_slots)
        self.slots = membership(
            np.tile(slot, 2),
            np.concatenate([sentence, len(self.sentences) + place]),
            (n_slots, len(self.sentences) + n_places),
        )
        pairs = pairs_of(table)
        begin = np.searchsorted(question, np.arange(len(table)))[pairs.question]
        n_pairs = len(pairs.question)
        self.pairs = membership(
            np.tile(np.arange(n_pairs), 3),
            np.concatenate(
                [
                    begin + pairs.first,
                    n_slots + begin + pairs.second,
                    2 * n_slots + query[pairs.question],
                ]
            ),
            (n_pairs, 2 * n_slots + len(self.queries)),
        )
        self.total = membership(pairs.question, np.arange(n_pairs), (len(table), n_pairs))


def _pair_input(weight, sentences, queries, story, n_places, product, rows):
    """Weighted input of g for each pair.

    g's first layer is linear before its neurons: each part of the input is weighed once, and the
    sums are taken for each pair. They are integers, so that their order does not matter.
    """
    n, n_query = sentences.shape[1], queries.shape[1]
    first, second, query, *places = weight.split([n, n, n_query, n_places, n_places], dim=1)
    parts = []
    for part, place in zip((first, second), places):
        weighed = product(sentences, part)
        shape = (n_places, len(weight), *weighed.shape[2:])
        place = place.T.reshape(n_places, len(weight), *[1] * (weighed.dim() - 2)).expand(shape)
        parts.append(rows(torch.cat([weighed, place]), story.slots))
    return rows(torch.cat([*parts, product(queries, query)]), story.pairs)


class Overlap(torch.nn.Module):
    """Tells from the rates of g's first layer what a pair and the question have in common.

    That a name occurs in two of them is what most questions turn on, and no single part of g's
    input shows it. What looks no further than the last sentence is learned before it, and then
    keeps it from being learned; this shows it to g from the start. It is left behind.

    Parameters
    ----------
    table : QuestionTable
        With all sentences and questions.
    n_words : int
    n_neurons : int
        Of g's first layer.
    """

    def __init__(self, table, n_words, n_neurons):
        super().__init__()
        sentences, queries = (_occurs(rows, n_words) for rows in (table.sentences, table.queries))
        # A word that is in every other sentence or question says nothing of what it is about.
        telling = (sentences.mean(0) < 0.5) & (queries.mean(0) < 0.5)
        sentences, queries = sentences * telling, queries * telling
        self.with_query = sentences @ queries.T > 0
        self.with_each_other = sentences @ sentences.T > 0
        self.probe = torch.nn.Linear(n_neurons, 4)

    def loss(self, rates, table):
        """Loss of a batch, a table, from the rates of each pair, shape (pair, neuron)."""
        pairs = pairs_of(table)
        query = table.query[pairs.question]
        one, two = (table.story[pairs.question, place] for place in (pairs.first, pairs.second))
        there = [
            self.with_query[one, query],
            self.with_query[two, query],
            self.with_each_other[one, two] & (pairs.first != pairs.second),
            pairs.second - pairs.first == 1,
        ]
        return torch.nn.functional.binary_cross_entropy_with_logits(
            self.probe(rates / RATE_SCALE), torch.from_numpy(np.stack(there, 1)).float()
        )


def _occurs(rows, n_words):
    """Which words are in which sentences, as 0 or 1, shape (sentence, word)."""
    occurs = np.zeros((len(rows), n_words + 1), np.float32)
    np.put_along_axis(occurs, rows.astype(np.int64), 1, axis=1)  # -1, no word, is the last column
    return occurs[:, :-1]


class RateHead(torch.nn.Module):
    """Networks g and f as rates, spikes per step, from 0 to 1.

    Parameters
    ----------
    recipe : RelationalRecipe
    n_answers : int
    n_pairs : float
        Pairs of a story on average: f begins with weights for a sum over so many.
    """

    def __init__(self, recipe, n_answers, n_pairs):
        super().__init__()
        head, n = recipe.head, 3 * recipe.reader.neurons + 2 * recipe.max_sentences
        self.window, self.n_places = recipe.window, recipe.max_sentences
        self.offset = 1 / head.tau_v
        self.limit = recipe.weight_limit()
        sizes = [n, *head.relation, *head.answer, n_answers]
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter(torch.empty(target, source))
            for source, target in zip(sizes, sizes[1:])
        )
        self.n_relation = len(head.relation)
        with torch.no_grad():
            for index, weight in enumerate(self.weights):
                if index == 0:
                    weight.normal_(0, 0.25)
                    weight[:, -2 * self.n_places :].normal_(0, 0.1)
                elif index < self.n_relation:
                    weight.normal_(0.05, 0.2)
                elif index == self.n_relation:
                    weight.normal_(0, 0.5 / n_pairs)
                else:
                    torch.nn.init.kaiming_uniform_(weight, a=5**0.5)

    def clamp(self):
        """Bring the weights into the range that 8 bits have."""
        with torch.no_grad():
            for weight in self.weights:
                weight.clamp_(-self.limit, self.limit)

    def rate(self, drive, random):
        """Rate of a neuron that is driven by so many thresholds a step.

        A neuron that fires every k-th step needs a drive between 1/k and 1/(k - 1); what
        leaks takes the offset off. In training rates are whole spikes in the window, rounded at
        random.
        """
        drive = torch.relu(drive - self.offset)
        rate = (drive / (1 + drive / 2)).clamp(max=1.0)
        if random is not None:
            noise = torch.rand(rate.shape, generator=random)
            rate = rate + (torch.floor(rate * self.window + noise) / self.window - rate).detach()
        return rate

    def forward(self, sentences, queries, table, random=None):
        """Logits, and the rates of each layer.

        Parameters
        ----------
        sentences, queries : Tensor, shape (n, neuron)
            Rates of the readers, for all rows of the table.
        table : QuestionTable
        random : torch.Generator, optional
            Draws the rounding; without it rates are not rounded.
        """
        story = Story(table)
        weights = iter(self.weights)
        x = _pair_input(
            next(weights),
            sentences[story.sentences],
            queries[story.queries],
            story,
            self.n_places,
            torch.nn.functional.linear,
            lambda x, matrix: sum_rows(x[..., None], matrix)[..., 0],
        )
        rates = []
        for index, weight in enumerate(weights):
            x = self.rate(x, random)
            rates.append(x)
            if index == self.n_relation - 1:
                x = sum_rows(x[..., None], story.total)[..., 0]
            x = torch.nn.functional.linear(x, weight)
        return GAIN * x, rates


class SpikingHead(torch.nn.Module):
    """Networks g and f, the forward pass being the integer networks.

    Parameters
    ----------
    recipe : RelationalRecipe
    rates : RateHead
        Where the weights come from.
    """

    def __init__(self, recipe, rates):
        super().__init__()
        head = recipe.head
        self.n_places, self.window = recipe.max_sentences, recipe.window
        neuron = {
            "threshold": 1.0,
            "current_decay": 1.0,
            "voltage_decay": 1 / head.tau_v,
            "in_exp": head.in_exp,
            "surrogate": Triangular(recipe.spikes.damping, recipe.spikes.width),
        }
        readout = {"current_decay": 1.0, "voltage_decay": 1 / head.readout_tau, "in_exp": head.in_exp}
        n = rates.n_relation
        *hidden, last = rates.weights
        self.relation = torch.nn.ModuleList(block.Dense(neuron, *w.shape[::-1]) for w in hidden[:n])
        self.answer = torch.nn.ModuleList(block.Dense(neuron, *w.shape[::-1]) for w in hidden[n:])
        self.readout = block.Output(readout, *last.shape[::-1])
        with torch.no_grad():
            for dense, weight in zip((*self.relation, *self.answer, self.readout), rates.weights):
                dense.synapse.weight.copy_(weight.reshape(dense.synapse.weight.shape))

    def forward(self, sentences, queries, table):
        """Logits, and the activity of each layer.

        Parameters
        ----------
        sentences, queries : Tensor, shape (n, neuron, window)
            Spikes of the readers, for all rows of the table.
        table : QuestionTable
        """
        voltage, activity = self.voltage(sentences, queries, table)
        return GAIN / self.window * voltage, activity

    def voltage(self, sentences, queries, table):
        """Readout voltages after the last step, in thresholds, and the activity of each layer."""
        story = Story(table)
        x = _pair_input(
            block.weight_matrix(self.relation[0].synapse),
            sentences[story.sentences],
            queries[story.queries],
            story,
            self.n_places,
            linear,
            sum_rows,
        )
        activity = []
        for index, dense in enumerate((*self.relation, *self.answer)):
            weight = block.weight_matrix(dense.synapse) if index else None
            trace = dense.neuron.unroll(x, inputs=weight, record=("spikes",))
            x = trace.spikes
            activity.append(trace.activity)
            if index == len(self.relation) - 1:
                x = sum_rows(x, story.total)
        return self.readout(x)[..., -1], activity

    def to_head(self, answers, words=()):
        """The integer networks that :meth:`voltage` computes.

        Parameters
        ----------
        answers, words : tuple of str
            Of the questions that it learned from.

        Returns
        -------
        Head
        """
        relation = NetworkSpec(
            tuple(dense.to_layer(f"g{i}") for i, dense in enumerate(self.relation, 1))
        )
        answer = NetworkSpec(
            (
                *(dense.to_layer(f"f{i}") for i, dense in enumerate(self.answer, 1)),
                self.readout.to_layer("readout"),
            ),
            readout="voltage",
            graded_input=True,
            metadata=Metadata(class_names=tuple(answers)),
        )
        return Head(relation, answer, tuple(words))
