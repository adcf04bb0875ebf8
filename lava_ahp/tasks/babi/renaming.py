"""Stories with their names exchanged: what a question asks does not depend on who is called what.

Heads that learn from such stories cannot learn by heart what happened to whom.
"""

import dataclasses

import numpy as np

_PEOPLE = ("bill", "daniel", "fred", "jeff", "john", "julie", "mary", "sandra")
_PLACES = (
    "bathroom", "bedroom", "cinema", "garden", "hallway", "kitchen", "office", "park", "school"
)  # fmt: skip
_THINGS = ("apple", "football", "milk")

# Names by task that mean nothing but themselves. In the others a name says more: kitchens are for
# the hungry (20, where people are exchanged but no places), chests have a size (18), mice and wolves
# a plural (15).
_EXCHANGEABLE = {
    **dict.fromkeys((1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14), (_PEOPLE, _PLACES, _THINGS)),
    4: (_PLACES,),
    11: (("daniel", "john"), ("mary", "sandra"), _PLACES),  # he and she
    15: (("emily", "gertrude", "jessica", "winona"),),
    16: (
        ("bernhard", "brian", "greg", "julius", "lily"),
        ("frog", "lion", "rhino", "swan"),
        ("gray", "green", "white", "yellow"),
    ),
    17: (
        (
            "blue square", "pink rectangle", "red sphere", "red square", "triangle", "yellow square"
        ),
    ),
    19: (_PLACES,),
    20: (("antoine", "jason", "sumit", "yann"),),
}  # fmt: skip


_UNKNOWN = -2


class Renaming:
    """Some ways to exchange the names in the stories of a task.

    Parameters
    ----------
    task : int
    table : QuestionTable
        With all sentences and questions that may occur.
    vocabulary : Vocabulary
    n : int
        Number of ways, from 1.
    random : numpy.random.Generator
        Draws them.
    """

    def __init__(self, task, table, vocabulary, n, random):
        sentences, queries = (
            [tuple(vocabulary.words[i] for i in row if i >= 0) for row in rows]
            for rows in (table.sentences, table.queries)
        )
        answers = [tuple(answer.split(",")) for answer in vocabulary.answers]
        told = {words for text in (*sentences, *queries) for words in _parts(text)}
        groups = [
            [name for name in map(_words, group) if name in told]
            for group in _EXCHANGEABLE.get(task, ())
        ]
        ways = []
        for _ in range(n):
            names = {}
            for group in groups:
                names.update(zip(group, (group[i] for i in random.permutation(len(group)))))
            ways.append(names)
        self._sentences = _maps(sentences, ways)
        self._queries = _maps(queries, ways)
        self._answers = _maps(answers, ways)

    def __call__(self, table, random):
        """A table of questions, each with its names exchanged in one of the ways.

        A question stays as it is where a renamed sentence, question or answer does not occur.

        Parameters
        ----------
        table : QuestionTable
            Some rows of that of the constructor.
        random : numpy.random.Generator
        """
        way = random.integers(0, len(self._sentences), len(table))
        story = self._sentences[way[:, None], table.story]
        query, answer = self._queries[way, table.query], self._answers[way, table.answer]
        known = (story != _UNKNOWN).all(1) & (query != _UNKNOWN) & (answer != _UNKNOWN)
        return dataclasses.replace(
            table,
            story=np.where(known[:, None], story, table.story),
            query=np.where(known, query, table.query),
            answer=np.where(known, answer, table.answer),
        )


def _words(name):
    return tuple(name.split())


def _parts(text):
    """All names that a text could have: one word or two."""
    return (*((word,) for word in text), *zip(text, text[1:]))


def _maps(texts, ways):
    """Index of each text after each way of renaming, and then of no text; shape (way, text + 1)."""
    index = {text: i for i, text in enumerate(texts)}
    maps = np.full((len(ways), len(texts) + 1), -1, np.int64)
    for row, names in zip(maps, ways):
        row[:-1] = [index.get(_exchanged(text, names), _UNKNOWN) for text in texts]
    return maps


def _exchanged(text, names):
    words, at = [], 0
    while at < len(text):
        length = 2 if text[at : at + 2] in names else 1
        name = text[at : at + length]
        words += names.get(name, name)
        at += length
    return tuple(words)
