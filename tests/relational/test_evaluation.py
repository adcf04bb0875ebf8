"""Accuracies, rates and operations are those that a count by hand gives; replies say why."""

import json

import numpy as np
import pytest

from networks import relational_network

from lava_ahp import cli, relational
from lava_ahp.engine import simulate
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.relational.run import pair_spikes
from lava_ahp.tasks import babi


def as_text(questions):
    """Questions in the official format, each with a story of its own."""
    lines = []
    for q in questions:
        for number, sentence in enumerate(q.story, 1):
            lines.append(f"{number} {' '.join(sentence)}.")
        lines.append(f"{len(q.story) + 1} {' '.join(q.words)}?\t{q.answer}\t")
    return "\n".join(lines) + "\n"


@pytest.fixture
def data(tmp_path):
    for task in (1, 15):
        (tmp_path / f"qa{task}_valid.txt").write_text(as_text(babi.generate(task, 12)))
    return tmp_path


def test_counts_are_those_of_the_copies_one_by_one():
    network = relational_network(2, tasks=(1,))
    (question,) = babi.generate(1, 4)[3:]
    table = babi.QuestionTable.of([question], network.vocabulary(1), 7, network.max_sentences)
    found = relational.answer(network, 1, table)
    spikes = events = steps = 0
    layer = network.sentence.layers[0]
    for words in question.story[-network.max_sentences :]:
        # read from its first word on, without silence before it
        row = np.array([network.vocabulary(1).indices(words)])
        x = network.encoding.encode(row, len(network.words))
        x = np.concatenate([x, np.zeros((1, 1, x.shape[2]), np.uint8)], axis=1)
        sent = simulate(network.sentence, x, ("spikes",)).spikes[layer.name][0]
        fan_out = [np.count_nonzero(c.effective_weight, axis=0) for c in (layer.inputs, layer.recurrent)]
        spikes += sent.sum()
        events += (x[0] @ fan_out[0]).sum() + (sent @ fan_out[1]).sum()
        steps += (x.shape[1] - 1) * layer.n_neurons
    assert found.spikes["sentence"] == spikes > 0
    assert found.synaptic_events["sentence"] == events
    assert found.neuron_steps["sentence"] == steps


def test_accuracy_is_the_share_of_right_answers(data):
    network = relational_network(1, tasks=(1, 15))
    found = relational.evaluate(network, data)
    assert found.split == "validation" and found.n == 24
    for task in (1, 15):
        questions = babi.generate(task, 12)
        names = network.vocabulary(task).answers
        answers = [names[k] for k in found.predictions[task]]
        right = sum(answer == q.answer for answer, q in zip(answers, questions))
        assert found.to_dict()["tasks"][str(task)]["n_correct"] == right
        assert found.task_accuracy(task) == right / 12
    assert 0 < found.firing_rate() < 1
    assert relational.evaluate(network, data, tasks=[15], limit=5).n == 5
    with pytest.raises(ParameterError, match="task: found 3"):
        relational.evaluate(network, {3: babi.generate(1, 2)}, tasks=[3])


def test_a_pair_without_which_the_answer_is_another_is_named_first():
    network = relational_network(8, tasks=(1,))
    question = babi.generate(1, 3)[2]
    table = babi.QuestionTable.of([question], network.vocabulary(1), 7, network.max_sentences)
    pairs, share = relational.influence(network, 1, table)
    reply = relational.ask(network, question, task=1)
    assert [pair[2] for pair in reply.pairs] == sorted(share.tolist(), reverse=True)
    sentences = [" ".join(words) for words in question.story[::-1]]
    first = int(np.argmax(share))
    assert reply.pairs[0][:2] == (sentences[pairs.second[first]], sentences[pairs.first[first]])

    # the same from the spikes of g, a pair at a time
    head = network.head(1)
    read = relational.codes(network, table)
    x = pair_spikes(network, table, read[0].spikes, read[1].spikes, pairs)
    x = np.pad(x, ((0, 0), (0, 2), (0, 0)))
    sent = simulate(head.relation, x, ("spikes",)).spikes["g2"][:, 2:].astype(np.int64)
    assert sent[first].any()
    for k in range(len(share)):
        without = np.pad(sent.sum(axis=0) - sent[k], ((0, 2), (0, 0)))
        output = simulate(head.answer, without[np.newaxis]).output[0]
        changed = head.answer.metadata.class_names[int(np.argmax(output))] != reply.answer
        assert changed == (share[k] > 1)
    assert (share > 1).any() and (share < 1).any()


def test_a_story_is_read_as_typed_and_as_the_official_format_has_it():
    typed = relational.parse_story("Mary moved to the hall.\n\nWhere is Mary?\n", "story")
    official = relational.parse_story(
        "1 Mary moved to the hall.\n2 Where is John? \toffice\t1\n3 Where is Mary?\thall\t1", "story"
    )
    assert typed == official
    assert typed.story == (("mary", "moved", "to", "the", "hall"),)
    for text, problem in (("Mary moved.", "expected a question"), ("Who?", "a question only")):
        with pytest.raises(FileFormatError, match=f"story: found .*{problem}"):
            relational.parse_story(text, "story")


def test_the_command_line_measures_and_answers(data, tmp_path, capsys):
    folder = tmp_path / "net"
    relational.write(relational_network(1, tasks=(1, 15)), folder)
    assert cli.main(["eval", str(folder), "--data", str(data), "--tasks", "15", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["tasks"]) == {"15"} and found["tasks"]["15"]["n"] == 12
    assert cli.main(["eval", str(folder), "--data", str(data)]) == 0
    assert "solved" in capsys.readouterr().out
    assert cli.main(["info", str(folder), "--json"]) == 0
    scale = json.loads(capsys.readouterr().out)["heads"]["15"]["scale"]
    assert scale == relational.read(folder).scale(15)
    assert cli.main(["info", str(folder)]) == 0
    assert f"{scale['total']['neurons']:,} neurons" in capsys.readouterr().out
    story = tmp_path / "story.txt"
    story.write_text("1 Mary went to the garden.\n2 John went to the office.\n3 Where is Mary?\n")
    assert cli.main(["ask", str(folder), "--story", str(story), "--task", "1", "--json"]) == 0
    reply = json.loads(capsys.readouterr().out)
    assert reply["answer"] in relational.read(folder).vocabulary(1).answers
    assert len(reply["pairs"]) == 3
    assert cli.main(["ask", str(folder), "--story", str(story), "--task", "1"]) == 0
    assert "mary went to the garden" in capsys.readouterr().out
    for arguments, problem in (
        (["eval", str(folder)], "data: found none"),
        (["eval", str(folder), "--data", str(data), "--tasks", "x"], "--tasks: found 'x'"),
        (["eval", "digits", "--tasks", "1"], "not a relational network"),
        (["ask", "digits", "--story", str(story)], "found no such file, expected a manifest"),
    ):
        assert cli.main(arguments) == 2
        assert problem in capsys.readouterr().err
    story.write_text("Mary flew to the moon.\nWhere is Mary?\n")
    assert cli.main(["ask", str(folder), "--story", str(story)]) == 2
    assert "word: found 'flew'" in capsys.readouterr().err
