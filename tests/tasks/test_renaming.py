"""Exchanged names leave what a question asks as it is."""

import numpy as np
import pytest

from lava_ahp.tasks import babi


def table_of(questions, max_words=9):
    vocabulary = babi.Vocabulary.of(questions)
    return babi.QuestionTable.of(questions, vocabulary, max_words), vocabulary


def texts(table, vocabulary):
    """Story (the most recent sentence first), question and answer of each row, in words."""

    def text(row):
        return " ".join(vocabulary.words[i] for i in row if i >= 0)

    return [
        (
            [text(table.sentences[i]) for i in story if i >= 0],
            text(table.queries[query]),
            vocabulary.answers[answer],
        )
        for story, query, answer in zip(table.story, table.query, table.answer)
    ]


def where_is(story, query):
    name = query.split()[-1]
    return next(sentence.split()[-1] for sentence in story if sentence.startswith(name))


def test_renamed_stories_have_the_answer_that_their_sentences_give():
    table, vocabulary = table_of(babi.generate(1, 2000))
    random = np.random.default_rng(0)
    renamed = babi.Renaming(1, table, vocabulary, 50, random)(table, random)
    told, changed = texts(table, vocabulary), texts(renamed, vocabulary)
    for story, query, answer in changed:
        assert answer == where_is(story, query)
    assert np.mean([a != b for a, b in zip(told, changed)]) > 0.95
    assert [len(a[0]) for a in told] == [len(b[0]) for b in changed]


def test_a_name_is_the_same_all_through_a_story():
    table, vocabulary = table_of(babi.generate(1, 500))
    random = np.random.default_rng(1)
    renamed = babi.Renaming(1, table, vocabulary, 20, random)(table, random)
    for (before, *_), (after, *_) in zip(texts(table, vocabulary), texts(renamed, vocabulary)):
        pairs = {(a, b) for x, y in zip(before, after) for a, b in zip(x.split(), y.split())}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def question(story, query, answer, task):
    return babi.Question(task, tuple(map(babi.split_words, story)), babi.split_words(query), answer, (0,))


def test_names_of_two_words_are_exchanged_with_those_of_one():
    names = "the red square", "the triangle"
    told = [
        question([f"{a} is above {b}"], f"is {a} above {b}", "yes", 17)
        for a, b in (names, names[::-1])
    ]
    table, vocabulary = table_of(told)
    random = np.random.default_rng(0)
    renamed = babi.Renaming(17, table, vocabulary, 30, random)(table[np.zeros(40, int)], random)
    seen = {story[0] for story, _, _ in texts(renamed, vocabulary)}
    assert seen == {"the red square is above the triangle", "the triangle is above the red square"}


def test_what_would_not_occur_stays_as_it_is():
    told = [question(["mary went to the kitchen", "john went to the office"], "where is mary", "kitchen", 1)]
    table, vocabulary = table_of(told)
    random = np.random.default_rng(0)
    renamed = babi.Renaming(1, table, vocabulary, 30, random)(table[np.zeros(50, int)], random)
    assert {str(text) for text in texts(renamed, vocabulary)} == {str(texts(table, vocabulary)[0])}


@pytest.mark.parametrize("task, sentence", [(18, "the box fits inside the chest"), (15, "mice are afraid of cats")])
def test_names_that_say_more_are_not_exchanged(task, sentence):
    other = " ".join(reversed(sentence.split()))
    told = [question([s], "is it so", "yes", task) for s in (sentence, other)]
    table, vocabulary = table_of(told)
    random = np.random.default_rng(0)
    renamed = babi.Renaming(task, table, vocabulary, 30, random)(table, random)
    assert np.array_equal(renamed.story, table.story)
