"""Words as indices and as spikes; stories as tables in which equal sentences are one."""

from dataclasses import asdict, dataclass

import numpy as np

from lava_ahp.errors import ParameterError

MAX_SENTENCES = 20
"""Sentences of a story that a network sees: the most recent ones."""


@dataclass(frozen=True)
class Vocabulary:
    """Words, one per input channel, and answers, one per output neuron; sorted."""

    words: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, questions):
        """Vocabulary of some questions, an iterable of :class:`Question`."""
        words, answers = set(), set()
        for question in questions:
            words.update(question.words, *question.story)
            answers.add(question.answer)
        return cls(tuple(sorted(words)), tuple(sorted(answers)))

    def indices(self, words):
        """Index of each word; ParameterError for a word that is not in the vocabulary."""
        places = {word: index for index, word in enumerate(self.words)}
        unknown = [word for word in words if word not in places]
        if unknown:
            raise ParameterError(
                f"word: found {unknown[0]!r}, expected one of the {len(self.words)} that the "
                f"network knows: {', '.join(self.words)}"
            )
        return [places[word] for word in words]


@dataclass(frozen=True, eq=False)
class QuestionTable:
    """Questions as indices.

    Attributes
    ----------
    sentences : ndarray of int16, shape (n_sentences, max_words)
        Different sentences: indices of their words at the end of the row, -1 before them.
    queries : ndarray of int16, shape (n_queries, max_words)
        Different questions, likewise.
    story : ndarray of int32, shape (n, max_sentences)
        Row in `sentences` of each sentence of a question's story, the most recent first; -1
        where the story is shorter.
    query : ndarray of int32, shape (n,)
        Row in `queries`.
    answer : ndarray of int64, shape (n,)
        Index of the answer; -1 where the vocabulary does not have it.
    """

    sentences: np.ndarray
    queries: np.ndarray
    story: np.ndarray
    query: np.ndarray
    answer: np.ndarray

    def __len__(self):
        return len(self.query)

    @classmethod
    def of(cls, questions, vocabulary, max_words, max_sentences=MAX_SENTENCES):
        """Table of questions.

        Parameters
        ----------
        questions : sequence of Question
        vocabulary : Vocabulary
        max_words : int
            Longest sentence or question.
        max_sentences : int, optional
            Of longer stories the most recent sentences are kept.

        Raises
        ------
        ParameterError
            If a word is unknown or a sentence too long.
        """
        sentences, queries = {}, {}
        answers = {answer: index for index, answer in enumerate(vocabulary.answers)}
        story = np.full((len(questions), max_sentences), -1, np.int32)
        query = np.empty(len(questions), np.int32)
        for row, question in enumerate(questions):
            recent = question.story[: -max_sentences - 1 : -1]
            story[row, : len(recent)] = [sentences.setdefault(s, len(sentences)) for s in recent]
            query[row] = queries.setdefault(question.words, len(queries))
        return cls(
            _rows(sentences, vocabulary, max_words),
            _rows(queries, vocabulary, max_words),
            story,
            query,
            np.array([answers.get(q.answer, -1) for q in questions], np.int64),
        )

    @property
    def n_sentences(self):
        """Sentences in the story of each question, int64, shape (n,)."""
        return np.count_nonzero(self.story >= 0, axis=1)

    def __getitem__(self, rows):
        """Table of some questions (a slice or an array), with all sentences and questions."""
        return QuestionTable(
            self.sentences, self.queries, self.story[rows], self.query[rows], self.answer[rows]
        )


def _rows(sentences, vocabulary, max_words):
    rows = np.full((len(sentences), max_words), -1, np.int16)
    for row, words in zip(rows, sentences):
        if not 1 <= len(words) <= max_words:
            raise ParameterError(
                f"sentence: found {len(words)} words in {' '.join(words)!r}, expected 1 to {max_words}"
            )
        row[-len(words) :] = vocabulary.indices(words)
    return rows


@dataclass(frozen=True)
class WordSpikes:
    """Spikes of words: each word is one channel that spikes in a number of steps in turn.

    Sentences end together, in the last step but `tail`; before a short one all is silent, which
    leaves a network at rest where it is.

    Attributes
    ----------
    steps_per_word : int
        Steps in which a word spikes.
    tail : int
        Steps after the last word.
    """

    steps_per_word: int = 10
    tail: int = 4

    def __post_init__(self):
        for name, low in (("steps_per_word", 1), ("tail", 0)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < low:
                raise ParameterError(f"{name}: found {value!r}, expected an integer of at least {low}")

    def n_steps(self, n_words):
        """Steps that a sentence of `n_words` takes."""
        return n_words * self.steps_per_word + self.tail

    def encode(self, words, n_channels):
        """Spikes of sentences.

        Parameters
        ----------
        words : ndarray of int, shape (n, max_words)
            As in :class:`QuestionTable`.
        n_channels : int
            Size of the vocabulary.

        Returns
        -------
        ndarray of uint8, shape (n, n_steps(max_words), n_channels)
        """
        n, max_words = words.shape
        spikes = np.zeros((n, self.n_steps(max_words), n_channels), np.uint8)
        row, place = np.nonzero(words >= 0)
        for step in range(self.steps_per_word):
            spikes[row, place * self.steps_per_word + step, words[row, place]] = 1
        return spikes

    def to_dict(self):
        """Plain description, as it stands in a network's metadata."""
        return {"name": "word-spikes", **asdict(self)}
