"""Pairs of the sentences of each story."""

from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Pairs of sentences, question by question; arrays of int64, shape (n_pairs,).

    Attributes
    ----------
    question : ndarray
        Row of the question in its table.
    first, second : ndarray
        Places of the two sentences, counted from the most recent one, 0; first <= second.
    """

    question: np.ndarray
    first: np.ndarray
    second: np.ndarray


def pairs_of(table):
    """All pairs of the sentences of each story, each sentence with itself included.

    Parameters
    ----------
    table : QuestionTable

    Returns
    -------
    Pairs
    """
    lengths = table.n_sentences
    first, second = np.triu_indices(table.story.shape[1])
    # by the older of the two, so that the pairs of a shorter story come first
    order = np.lexsort((first, second))
    counts = lengths * (lengths + 1) // 2
    question = np.repeat(np.arange(len(table)), counts)
    at = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Pairs(question, first[order][at], second[order][at])
