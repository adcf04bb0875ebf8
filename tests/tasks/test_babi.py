"""bAbI: the official format is read as it is written, words become the spikes they should."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from lava_ahp.errors import FileFormatError, LavaAHPError, ParameterError
from lava_ahp.tasks import babi

TEXT = """\
1 Mary moved to the bathroom.
2 John went to the hallway.
3 Where is Mary? \tbathroom\t1
4 Daniel got the milk and the apple there.
5 What is Daniel carrying?\tapple,milk\t4
1 Sandra is in the office.
2 Is Sandra in the office?\tyes\t1
"""


def write(folder, layout, **files):
    (folder / layout).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / layout / f"{name}.txt").write_text(text, encoding="utf-8")


def test_questions_see_the_story_so_far_and_a_1_begins_a_new_one():
    first, second, third = babi.parse(TEXT, "file", 8)
    assert first.story == (
        ("mary", "moved", "to", "the", "bathroom"),
        ("john", "went", "to", "the", "hallway"),
    )
    assert (first.words, first.answer, first.support) == (("where", "is", "mary"), "bathroom", (0,))
    # a question is no sentence of the story, and does not count in the support
    assert len(second.story) == 3 and second.support == (2,) and second.answer == "apple,milk"
    assert third.story == (("sandra", "is", "in", "the", "office"),) and third.support == (0,)


@pytest.mark.parametrize(
    "bad, line, expected",
    [
        ("Mary moved.\n", 1, "a line number"),
        ("1 Mary moved.\n3 John moved.\n", 2, "expected 2, or 1"),
        ("1 Mary moved.\n2 \n", 2, "expected a sentence"),
        ("1 Mary moved.\n2 ...\n", 2, "expected a sentence"),
        ("1 Mary moved.\n2 Where is Mary?\n", 2, "a tab and the answer"),
        ("1 Mary moved.\n2 Where is Mary?\t\t1\n", 2, "its answer and its support"),
        ("1 Mary moved.\n2 Where is Mary?\thall\t1\tx\n", 2, "its answer and its support"),
        ("1 Mary moved.\n2 Where is Mary?\thall\t7\n", 2, "found support '7'"),
    ],
)
def test_a_malformed_line_is_named_by_file_line_and_what_was_expected(bad, line, expected):
    with pytest.raises(FileFormatError) as error:
        babi.parse(bad, "qa1_train.txt", 1)
    assert str(error.value).startswith(f"qa1_train.txt: line {line}: ")
    assert expected in str(error.value)


def test_all_layouts_are_found_and_the_preferred_comes_first(tmp_path):
    write(tmp_path, "en", **{"qa1_single-fact_train": TEXT, "qa1_single-fact_test": TEXT})
    write(tmp_path, "en-valid-10k", qa1_train=TEXT * 2, qa12_train=TEXT, qa1_valid=TEXT)
    assert {task: len(q) for task, q in babi.read(tmp_path).items()} == {1: 6, 12: 3}
    assert {task: len(q) for task, q in babi.read(tmp_path, layout="en").items()} == {1: 3}
    assert len(babi.read(tmp_path, "test")[1]) == 3
    assert len(babi.read(tmp_path, "validation", tasks=[1])[1]) == 3
    assert babi.default_split(tmp_path) == "test"
    assert babi.default_split(tmp_path, "en-valid-10k") == "validation"
    single = tmp_path / "en" / "qa1_single-fact_test.txt"
    assert babi.read(single, babi.default_split(single)) == {1: babi.parse(TEXT, single, 1)}
    with pytest.raises(FileFormatError, match="task 2"):
        babi.read(tmp_path, tasks=[1, 2])
    with pytest.raises(FileFormatError, match="in a folder 'hn'"):
        babi.read(tmp_path, layout="hn")
    with pytest.raises(ParameterError, match="split"):
        babi.read(tmp_path, "valid")
    with pytest.raises(FileFormatError, match="no such file or folder"):
        babi.read(tmp_path / "none")


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_archives_of_any_compression_are_read_as_the_folder_is(tmp_path, compression):
    write(tmp_path / "tasks", "en-10k", qa3_train=TEXT, qa4_train=TEXT)
    archive = tmp_path / "tasks.tar"
    with tarfile.open(archive, f"w:{compression}") as file:
        file.add(tmp_path / "tasks", "tasks")
    assert babi.read(archive) == babi.read(tmp_path / "tasks")
    bad = "1 Mary\n3 John\n"
    with tarfile.open(archive, f"w:{compression}") as file:
        member = tarfile.TarInfo("tasks/en/qa3_train.txt")
        member.size = len(bad)
        file.addfile(member, io.BytesIO(bad.encode()))
    with pytest.raises(FileFormatError, match="qa3_train.txt: line 2: found number 3 after 1"):
        babi.read(archive)


def test_a_file_that_is_no_text_or_no_archive_is_an_error(tmp_path):
    path = tmp_path / "qa1_train.txt"
    path.write_bytes(b"1 Mary moved.\n2 J\xffhn moved.\n")
    with pytest.raises(FileFormatError, match="line 2: expected text in UTF-8"):
        babi.read(path)
    (tmp_path / "stories").write_text(TEXT)
    with pytest.raises(FileFormatError, match="expected one or a file such as"):
        babi.read(tmp_path / "stories")


def test_tables_keep_the_recent_sentences_and_know_equal_ones():
    (*_, last) = babi.parse("1 A b.\n2 C b.\n3 A b.\n4 D b.\n5 Who?\td\t4\n", "file", 1)
    vocabulary = babi.Vocabulary.of([last])
    assert vocabulary == babi.Vocabulary(("a", "b", "c", "d", "who"), ("d",))
    table = babi.QuestionTable.of([last, last], vocabulary, max_words=3, max_sentences=3)
    named = [[vocabulary.words[w] for w in row if w >= 0] for row in table.sentences]
    assert [named[row] for row in table.story[0]] == [["d", "b"], ["a", "b"], ["c", "b"]]
    table = babi.QuestionTable.of([last, last], vocabulary, max_words=3, max_sentences=5)
    assert len(table.sentences) == 3 and len(table.queries) == 1
    assert table.story[0, 1] == table.story[0, 3] and table.story[0, 4] == -1
    assert table.n_sentences.tolist() == [4, 4] and table.answer.tolist() == [0, 0]
    with pytest.raises(ParameterError, match="found 'd', expected one of the 1"):
        babi.QuestionTable.of([last], babi.Vocabulary(("b",), ()), 3)
    with pytest.raises(ParameterError, match="found 2 words in 'd b', expected 1 to 1"):
        babi.QuestionTable.of([last], vocabulary, 1)
    unknown = babi.QuestionTable.of([last], babi.Vocabulary(vocabulary.words, ("e",)), 3)
    assert unknown.answer.tolist() == [-1]


def test_each_word_spikes_in_its_steps_and_sentences_end_together():
    words = np.array([[-1, 2], [0, 1]])
    spikes = babi.WordSpikes(steps_per_word=3, tail=2).encode(words, 3)
    assert spikes.shape == (2, 8, 3)
    expected = np.zeros((2, 8, 3))
    expected[0, 3:6, 2] = expected[1, 0:3, 0] = expected[1, 3:6, 1] = 1
    np.testing.assert_array_equal(spikes, expected)
    with pytest.raises(ParameterError, match="steps_per_word: found 0"):
        babi.WordSpikes(0)


def test_pairs_are_all_pairs_of_each_story_once():
    story = np.full((3, 4), -1, np.int32)
    story[0, :3], story[2, :1] = 0, 0
    table = babi.QuestionTable(None, None, story, np.zeros(3), np.zeros(3))
    pairs = babi.pairs_of(table)
    assert list(zip(*map(np.ndarray.tolist, pairs))) == [
        (0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 0, 2), (0, 1, 2), (0, 2, 2), (2, 0, 0),
    ]  # fmt: skip


def solve(question):
    """Answers of the generated tasks, by rules that read the story's words."""
    story, words = question.story, question.words
    if question.task == 15:
        kind = next(s[-1] for s in story if s[0] == words[2])
        plural = {"cat": "cats", "mouse": "mice", "sheep": "sheep", "wolf": "wolves"}
        singular = {many: one for one, many in plural.items()}
        return singular[next(s[-1] for s in story if s[0] == plural[kind] and s[1] == "are")]
    who = words[1] if question.task == 6 else words[2]
    said = [s[-1] for s in story if s[0] == who]
    if question.task == 1:
        return said[-1]
    if question.task == 6:
        return "yes" if said[-1] == words[-1] else "no"
    if words[0] == "why":
        return said[0]
    return {"tired": "bedroom", "bored": "garden"}.get(said[0], "kitchen")


@pytest.mark.parametrize("task", [1, 6, 15, 20])
def test_generated_answers_follow_from_their_stories(task):
    questions = babi.generate(task, 200, seed=4)
    assert len(questions) == 200 and len({q.answer for q in questions}) > 1
    for question in questions:
        assert question.answer == solve(question)
    assert questions == babi.generate(task, 200, seed=4) != babi.generate(task, 200, seed=5)
    with pytest.raises(LavaAHPError, match="task: found 2"):
        babi.generate(2, 1)


@pytest.mark.skipif("LAVA_AHP_DATA" not in os.environ, reason="needs LAVA_AHP_DATA")
def test_the_official_training_files_have_a_thousand_questions_a_task():
    path = Path(os.environ["LAVA_AHP_DATA"]) / "babi_en_train.tar.xz"
    tasks = babi.read(path)
    assert {task: len(q) for task, q in tasks.items()} == dict.fromkeys(range(1, 21), 1000)
    question = tasks[1][0]
    assert (question.words, question.answer) == (("where", "is", "mary"), "bathroom")
