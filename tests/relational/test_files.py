"""A relational network survives its folder, and what is wrong with a folder is named."""

import json

import numpy as np
import pytest

from networks import relational_network

from lava_ahp import relational
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.relational import Head, RelationalNetwork
from lava_ahp.tasks import babi


@pytest.fixture
def folder(tmp_path):
    relational.write(relational_network(tasks=(1, 15)), tmp_path / "net", {"seed": 1})
    return tmp_path / "net"


def test_a_network_read_again_gives_the_same_answers(folder):
    before, after = relational_network(tasks=(1, 15)), relational.read(folder)
    assert after.words == before.words and after.encoding == before.encoding
    for task in (1, 15):
        questions = babi.generate(task, 20)
        outputs = [
            relational.answer(
                net, task, babi.QuestionTable.of(questions, net.vocabulary(task), 7, 4)
            ).output
            for net in (before, after)
        ]
        np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"window": 0}, "window: found 0"),
        ({"window": 6}, "window: found 6, expected at most 5"),
        ({"words": ["one"]}, "sentence: found .* inputs, expected 1"),
        ({"heads": {"x": {}}}, "heads.x"),
        ({"max_sentences": 3}, "relation of task 1: found .* inputs"),
        ({"sentence": "none.net"}, "none.net: found no such file"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(folder, change, problem):
    path = folder / "relational.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileFormatError, match=problem):
        relational.read(folder)


def test_a_folder_without_manifest_is_no_network(tmp_path):
    assert not relational.is_relational(tmp_path)
    with pytest.raises(FileFormatError, match="relational.json: found no such file"):
        relational.load(tmp_path)


def test_parts_that_do_not_fit_are_refused():
    net = relational_network()
    with pytest.raises(ParameterError, match="task: found 3, expected one of"):
        net.head(3)
    wrong = Head(net.head(1).relation, net.head(1).relation)
    with pytest.raises(ParameterError, match="answer of task 1"):
        RelationalNetwork(
            net.sentence, net.question, {1: wrong}, net.words, net.encoding, 5, 7, 4
        )


def test_the_scale_counts_every_copy():
    net = relational_network(n_reader=9, n_relation=(7, 6), n_answer=(8,))
    scale = net.scale(1, n_sentences=4)
    assert [scale[part]["copies"] for part in ("sentence", "question", "relation", "answer")] == [
        4, 1, 10, 1,
    ]  # fmt: skip
    n_answers = len(net.vocabulary(1).answers)
    assert scale["total"]["neurons"] == 4 * 9 + 9 + 10 * 13 + 8 + n_answers
    relation = net.head(1).relation.layers
    synapses = sum(np.count_nonzero(layer.inputs.effective_weight) for layer in relation)
    assert scale["relation"]["synapses"] == 10 * synapses
