"""bAbI: questions about short stories, 20 tasks (Weston et al., 2015).

:mod:`~lava_ahp.tasks.babi.reader` reads the official text format,
:mod:`~lava_ahp.tasks.babi.generator` makes stories for some of the tasks,
:mod:`~lava_ahp.tasks.babi.encoding` turns words into indices and spikes, and
:mod:`~lava_ahp.tasks.babi.renaming` exchanges the names in stories that are learned from.
"""

from lava_ahp.tasks.babi.encoding import MAX_SENTENCES, QuestionTable, Vocabulary, WordSpikes
from lava_ahp.tasks.babi.generator import generate
from lava_ahp.tasks.babi.pairs import Pairs, pairs_of
from lava_ahp.tasks.babi.reader import Question, default_split, parse, read, split_words
from lava_ahp.tasks.babi.renaming import Renaming

NAME = "babi"
N_TASKS = 20
SPLITS = ("train", "validation", "test")

__all__ = [
    "MAX_SENTENCES",
    "NAME",
    "N_TASKS",
    "SPLITS",
    "Pairs",
    "Question",
    "QuestionTable",
    "Renaming",
    "Vocabulary",
    "WordSpikes",
    "default_split",
    "generate",
    "pairs_of",
    "parse",
    "read",
    "split_words",
]
