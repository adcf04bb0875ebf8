"""Stories of our own for some of the tasks, so that tests and tutorials need no download.

They have the form of the official ones (Weston et al., 2015), not their statistics.
"""

import numpy as np

from lava_ahp.errors import ParameterError, check_count
from lava_ahp.tasks.babi.reader import Question, split_words

_PEOPLE = ("Daniel", "John", "Mary", "Sandra")
_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
_MOVES = ("went to", "moved to", "journeyed to", "travelled to", "went back to")
_ANIMALS = {"cat": "cats", "mouse": "mice", "sheep": "sheep", "wolf": "wolves"}
_NAMES = ("Emily", "Gertrude", "Jessica", "Winona")
_NEEDS = {"hungry": "kitchen", "tired": "bedroom", "bored": "garden", "thirsty": "kitchen"}
_STORY = 5
"""Questions that are asked in the course of a story."""


def generate(task, n, seed=0):
    """Questions of a task.

    Parameters
    ----------
    task : int
        1 (where is somebody), 6 (is somebody somewhere), 15 (of what is somebody afraid) or
        20 (where will somebody go).
    n : int
        Number of questions.
    seed : int, optional

    Returns
    -------
    list of Question

    Raises
    ------
    ParameterError
        If there is no generator for the task or `n` is not positive.
    """
    if task not in _GENERATORS:
        raise ParameterError(f"task: found {task!r}, expected one of {sorted(_GENERATORS)}")
    check_count("n", n)
    random = np.random.default_rng((seed, task))
    questions = []
    while len(questions) < n:
        questions += _GENERATORS[task](task, random)
    return questions[:n]


class _Story:
    """A story that is being told: sentences and the questions about them."""

    def __init__(self, task):
        self.task = task
        self.sentences = []
        self.questions = []

    def tell(self, sentence):
        self.sentences.append(split_words(sentence))
        return len(self.sentences) - 1

    def ask(self, question, answer, *support):
        story = tuple(self.sentences)
        self.questions.append(Question(self.task, story, split_words(question), answer, support))


def _whereabouts(task, random):
    """Tasks 1 and 6: people move; where is one of them, or is one of them in some place?"""
    story, last = _Story(task), {}
    for _ in range(_STORY):
        for _ in range(2):
            who, place = random.choice(_PEOPLE), random.choice(_PLACES)
            last[who] = story.tell(f"{who} {random.choice(_MOVES)} the {place}."), place
        who = random.choice(sorted(last))
        at, place = last[who]
        if task == 1:
            story.ask(f"Where is {who}?", place, at)
            continue
        asked = place if random.random() < 0.5 else random.choice(_PLACES)
        story.ask(f"Is {who} in the {asked}?", "yes" if asked == place else "no", at)
    return story.questions


def _fears(task, random):
    """Task 15: kinds of animals are afraid of kinds of animals."""
    story, lines = _Story(task), []
    kinds = list(random.permutation(sorted(_ANIMALS)))
    afraid_of = {kind: random.choice([k for k in kinds if k != kind]) for kind in kinds}
    kind_of = {name: random.choice(kinds) for name in _NAMES}
    lines += [("fear", kind) for kind in kinds] + [("name", name) for name in _NAMES]
    told = {}
    for what, who in (lines[index] for index in random.permutation(len(lines))):
        told[who] = story.tell(
            f"{_ANIMALS[who]} are afraid of {_ANIMALS[afraid_of[who]]}."
            if what == "fear"
            else f"{who} is a {kind_of[who]}."
        )
    for name in random.permutation(_NAMES):
        kind = kind_of[name]
        story.ask(f"What is {name} afraid of?", str(afraid_of[kind]), told[name], told[kind])
    return story.questions


def _motives(task, random):
    """Task 20: people are in need of something, and go where they find it."""
    story = _Story(task)
    for who in random.permutation(_PEOPLE):
        need = random.choice(sorted(_NEEDS))
        at = story.tell(f"{who} is {need}.")
        story.ask(f"Where will {who} go?", _NEEDS[need], at)
        story.tell(f"{who} {random.choice(_MOVES)} the {_NEEDS[need]}.")
        story.ask(f"Why did {who} go to the {_NEEDS[need]}?", need, at)
    return story.questions


_GENERATORS = {1: _whereabouts, 6: _whereabouts, 15: _fears, 20: _motives}
