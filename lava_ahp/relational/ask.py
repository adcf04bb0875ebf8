"""Asks a relational network about a story that is typed or read from a file."""

import re
from dataclasses import dataclass

import numpy as np

from lava_ahp import engine
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.relational.files import load
from lava_ahp.relational.run import answer, influence
from lava_ahp.tasks import babi

_NUMBER = re.compile(r"^\s*\d+\s+")


@dataclass(frozen=True)
class Reply:
    """An answer, and which pairs of sentences it rests on.

    Attributes
    ----------
    task : int
        Task whose head answered.
    answer : str
    pairs : tuple of (str, str, float)
        The older sentence of the pair, the more recent one, and the part of the answer's lead
        that is lost without the pair; the largest first.
    """

    task: int
    answer: str
    pairs: tuple

    def to_dict(self):
        """Plain numbers, strings, lists and dicts, fit for JSON."""
        pairs = [{"sentences": [one, other], "share": share} for one, other, share in self.pairs]
        return {"task": self.task, "answer": self.answer, "pairs": pairs}


def parse_story(text, path):
    """A question from a text with one sentence a line, the last of them the question.

    Numbers in front and answers behind a tab, as in the official format, are left out, and so are
    earlier questions.

    Parameters
    ----------
    text : str
    path : str or Path
        For errors.

    Returns
    -------
    Question
        Of task 0, with the answer empty.

    Raises
    ------
    FileFormatError
        If the last line is no question or there is no sentence before it.
    """
    lines = [_NUMBER.sub("", line).split("\t")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if babi.split_words(line)]
    if not lines or not lines[-1].endswith("?"):
        found = repr(lines[-1]) if lines else "nothing"
        raise FileFormatError(path, "", f"found {found}, expected a question with a ? at the end")
    story = tuple(babi.split_words(line) for line in lines if not line.endswith("?"))
    if not story:
        raise FileFormatError(path, "", "found a question only, expected a story before it")
    return babi.Question(0, story, babi.split_words(lines[-1]), "")


def ask(network, question, task=None, simulate=engine.simulate):
    """Answer a question.

    Parameters
    ----------
    network : RelationalNetwork, str or Path
    question : Question
    task : int, optional
        Whose head is to answer; by default that of the smallest vocabulary that has all words.
    simulate : callable, optional
        As :func:`lava_ahp.relational.simulator` gives it.

    Returns
    -------
    Reply

    Raises
    ------
    ParameterError
        If a word is unknown, or no task has all words.
    """
    net = load(network)
    task = _task_of(net, question) if task is None else task
    vocabulary = net.vocabulary(task)
    table = babi.QuestionTable.of([question], vocabulary, net.max_words, net.max_sentences)
    found = answer(net, task, table, simulate)
    pairs, share = influence(net, task, table, simulate)
    recent_first = [" ".join(words) for words in reversed(question.story)]
    order = np.argsort(-share, kind="stable")
    return Reply(
        task,
        vocabulary.answers[int(found.predictions[0])],
        tuple(
            (recent_first[pairs.second[k]], recent_first[pairs.first[k]], float(share[k]))
            for k in order
        ),
    )


def _task_of(network, question):
    words = set(question.words).union(*question.story)
    babi.Vocabulary(network.words, ()).indices(sorted(words))
    fitting = [task for task, head in network.heads.items() if words <= set(head.words)]
    if not fitting:
        raise ParameterError(
            f"task: found no task of {sorted(network.heads)} with all the words of story and "
            f"question, expected one; name one to use it all the same"
        )
    return min(fitting, key=lambda task: (len(network.heads[task].words), task))
