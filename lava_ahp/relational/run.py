"""Runs a relational network: one part after the other, each handing on its spikes.

Every part runs in the engine or on Lava's simulator, its copies as samples from rest. Equal
sentences are read once, and pairs that a story does not have are not computed.
"""

from dataclasses import dataclass

import numpy as np

from lava_ahp import engine
from lava_ahp.relational.network import Answers
from lava_ahp.tasks.babi import pairs_of

PAIRS = 1000
"""Pairs that are held at a time; memory grows with it and not with the stories."""


@dataclass(frozen=True, eq=False)
class Codes:
    """Spikes of readers, and what reading took.

    Attributes
    ----------
    spikes : ndarray of uint8, shape (n, window, n_neurons)
        In the last steps.
    spike_counts, neuron_steps, synaptic_events : ndarray of int64, shape (n,)
        Over all steps from the first word on.
    """

    spikes: np.ndarray
    spike_counts: np.ndarray
    neuron_steps: np.ndarray
    synaptic_events: np.ndarray


def codes(network, table, simulate=engine.simulate):
    """Spikes of the readers for the different sentences and questions of a table.

    Parameters
    ----------
    network : RelationalNetwork
    table : QuestionTable
    simulate : callable, optional
        As :func:`lava_ahp.relational.simulator` gives it.

    Returns
    -------
    sentences, questions : Codes
    """
    return tuple(
        _read(network, reader, words, simulate)
        for reader, words in (
            (network.sentence, table.sentences),
            (network.question, table.queries),
        )
    )


def _read(network, reader, words, simulate):
    n_channels, last = len(network.words), reader.layers[-1].name
    # Silence before the first word leaves all at rest, so that rows can be cut to the longest.
    longest = int(np.count_nonzero(words >= 0, axis=1).max(initial=1))
    words = words[:, -longest:]
    spikes = np.empty((len(words), network.window, reader.n_outputs), np.uint8)
    counts, events = np.zeros(len(words), np.int64), np.zeros(len(words), np.int64)
    for start in range(0, len(words), PAIRS):
        part = slice(start, start + PAIRS)
        encoded = network.encoding.encode(words[part], n_channels)
        found = simulate(reader, _padded(reader, encoded), record=("spikes",))
        spikes[part] = found.spikes[last][:, -network.window :]
        counts[part], events[part] = _activity(reader, encoded, found)
    steps = network.encoding.n_steps(np.count_nonzero(words >= 0, axis=1))
    n_neurons = sum(layer.n_neurons for layer in reader.layers)
    return Codes(spikes, counts, steps * n_neurons, events)


def answer(network, task, table, simulate=engine.simulate, read=None):
    """Answers to questions.

    Parameters
    ----------
    network : RelationalNetwork
    task : int
    table : QuestionTable
    simulate : callable, optional
        As :func:`lava_ahp.relational.simulator` gives it.
    read : tuple of two Codes, optional
        What :func:`codes` gives for the table, where it is known already.

    Returns
    -------
    Answers
    """
    head, n = network.head(task), len(table)
    sentences, questions = read or codes(network, table, simulate)
    pairs = pairs_of(table)
    total = np.zeros((n, network.window, head.answer.n_inputs), np.int64)
    spikes, events = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for start in range(0, len(pairs.question), PAIRS):
        part = type(pairs)(*(column[start : start + PAIRS] for column in pairs))
        encoded = pair_spikes(network, table, sentences.spikes, questions.spikes, part)
        found = simulate(head.relation, _padded(head.relation, encoded), record=("spikes",))
        sent = found.spikes[head.relation.layers[-1].name][:, -network.window :]
        np.add.at(total, part.question, sent)
        for sums, values in zip((spikes, events), _activity(head.relation, encoded, found)):
            np.add.at(sums, part.question, values)
    found = simulate(head.answer, _padded(head.answer, total), record=())
    answer_spikes, answer_events = _activity(head.answer, total, found)
    hidden = {
        name: sum(layer.n_neurons for layer in part.hidden)
        for name, part in network.parts(task).items()
    }
    told = table.story >= 0

    def over_story(values):
        return np.where(told, values[table.story], 0).sum(axis=1)

    n_pairs = np.bincount(pairs.question, minlength=n)
    steps = {name: network.window + len(part.layers) for name, part in network.parts(task).items()}
    return Answers(
        output=found.output,
        spikes={
            "sentence": over_story(sentences.spike_counts),
            "question": questions.spike_counts[table.query],
            "relation": spikes,
            "answer": answer_spikes,
        },
        neuron_steps={
            "sentence": over_story(sentences.neuron_steps),
            "question": questions.neuron_steps[table.query],
            "relation": n_pairs * hidden["relation"] * steps["relation"],
            "answer": np.full(n, hidden["answer"] * steps["answer"]),
        },
        synaptic_events={
            "sentence": over_story(sentences.synaptic_events),
            "question": questions.synaptic_events[table.query],
            "relation": events,
            "answer": answer_events,
        },
        readout_spikes=found.spike_counts[head.answer.layers[-1].name].sum(axis=1),
    )


def influence(network, task, table, simulate=engine.simulate):
    """What each pair did for the answer to a single question.

    The answer network runs once more for each pair, without what that pair sent.

    Parameters
    ----------
    network, task, simulate
        As for :func:`answer`.
    table : QuestionTable
        With one question.

    Returns
    -------
    pairs : Pairs
    share : ndarray of float, shape (n_pairs,)
        Part of the answer's lead over the next best that is lost without the pair; 1 and more
        where the answer changes, negative where the pair spoke for another.
    """
    head = network.head(task)
    sentences, questions = codes(network, table, simulate)
    pairs = pairs_of(table)
    encoded = pair_spikes(network, table, sentences.spikes, questions.spikes, pairs)
    found = simulate(head.relation, _padded(head.relation, encoded), record=("spikes",))
    sent = found.spikes[head.relation.layers[-1].name][:, -network.window :].astype(np.int64)
    total = sent.sum(axis=0, keepdims=True)
    variants = np.concatenate([total, total - sent])
    output = simulate(head.answer, _padded(head.answer, variants), record=()).output
    best = int(np.argmax(output[0]))
    lead = output[:, best] - np.delete(output, best, axis=1).max(axis=1, initial=0)
    return pairs, (lead[0] - lead[1:]) / max(lead[0], 1)


def pair_spikes(network, table, sentences, questions, pairs):
    """Input of the relation network for pairs.

    Parameters
    ----------
    network : RelationalNetwork
    table : QuestionTable
    sentences, questions : ndarray of uint8, shape (n, window, n_neurons)
        Spikes of the readers.
    pairs : Pairs

    Returns
    -------
    ndarray of uint8, shape (n_pairs, window, n_inputs)
        The places of the two sentences spike in every step.
    """
    first = table.story[pairs.question, pairs.first]
    second = table.story[pairs.question, pairs.second]
    places = np.zeros((len(first), network.window, 2 * network.max_sentences), np.uint8)
    row = np.arange(len(first))
    places[row, :, pairs.first] = 1
    places[row, :, network.max_sentences + pairs.second] = 1
    query = questions[table.query[pairs.question]]
    return np.concatenate([sentences[first], sentences[second], query, places], axis=2)


def _padded(network, spikes):
    """Input with a step of silence for each layer, which a spike takes to arrive in the next."""
    return np.pad(spikes, ((0, 0), (0, len(network.layers)), (0, 0)))


def _activity(network, spikes, found):
    """Spikes of hidden neurons, and synapses that spikes meet, of each sample."""
    sent = spikes.sum(axis=1, dtype=np.int64)
    hidden, events = np.zeros(len(sent), np.int64), np.zeros(len(sent), np.int64)
    for layer in network.layers:
        counts = found.spike_counts[layer.name]
        for connection, sources in ((layer.inputs, sent), (layer.recurrent, counts)):
            if connection is not None:
                events += sources @ np.count_nonzero(connection.effective_weight, axis=0)
        if layer in network.hidden:
            hidden += counts.sum(axis=1)
        sent = counts
    return hidden, events
