"""Relational networks are trained from a recipe, learn, and resume to the same bits."""

import hashlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp import cli, relational  # noqa: E402
from lava_ahp.errors import LavaAHPError, ParameterError  # noqa: E402
from lava_ahp.slayer.rows import membership, sum_rows  # noqa: E402
from lava_ahp.tasks import babi  # noqa: E402
from lava_ahp.training import load_recipe, train_relational  # noqa: E402
from lava_ahp.training.relational.head import Overlap  # noqa: E402
from lava_ahp.training.relational.train import _drawing  # noqa: E402

SETTINGS = (
    "tasks=[20]",
    "seed=3",
    "steps_per_word=4",
    "tail=4",
    "window=8",
    "max_words=7",
    "reader.neurons=32",
    "reader.updates=80",
    "reader.batch_size=32",
    "renamings=5",
    "balance=0.5",
    "smooth.overlap_weight=0.1",
    "head.relation=[32, 32]",
    "head.answer=[32]",
    "smooth.updates=120",
    "smooth.batch_size=24",
    "rates.updates=120",
    "rates.batch_size=24",
    "spikes.updates=30",
    "spikes.batch_size=16",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories")
    for split, n, seed in (("train", 400, 1), ("valid", 60, 2)):
        lines = []
        for q in babi.generate(20, n, seed):
            for number, sentence in enumerate(q.story, 1):
                lines.append(f"{number} {' '.join(sentence)}.")
            lines.append(f"{len(q.story) + 1} {' '.join(q.words)}?\t{q.answer}")
        (folder / f"qa20_{split}.txt").write_text("\n".join(lines) + "\n")
    return folder


def bits(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix == ".net"
    }


class Interrupted(Exception):
    pass


def test_training_learns(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = train_relational(load_recipe("babi", SETTINGS), data, "babi", SETTINGS, "net")
    metrics = found.metrics[20]
    # a guess by the question's first word alone is right in less than half of the cases
    assert metrics["float_accuracy"] > 0.6 and metrics["accuracy"] > 0.6
    assert metrics["n"] == 60 and metrics["firing_rate"] < 0.2
    measured = relational.evaluate("net", data)
    assert measured.accuracy == metrics["accuracy"]
    assert measured.firing_rate() == metrics["firing_rate"]
    card = (found.path / "README.md").read_text()
    assert f"| 20 | 60 | {metrics['accuracy']:.1%} |" in card


def test_an_interrupted_training_resumes_to_the_same_bits(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = ("reader.updates=6", "smooth.updates=6", "rates.updates=8", "spikes.updates=5", "checkpoint_minutes=0")
    recipe = load_recipe("babi", (*SETTINGS, *short))
    train_relational(recipe, data, "babi", out="whole")
    for stage, at in (("sentence reader", 4), ("task 20, smooth", 4), ("task 20, rates", 5), ("task 20, spikes", 3)):

        def stop(name, done, total, right, stage=stage, at=at):
            if (name, done) == (stage, at):
                raise Interrupted

        with pytest.raises(Interrupted):
            train_relational(recipe, data, "babi", out="parts", resume=True, report=stop)
    train_relational(recipe, data, "babi", out="parts", resume=True)
    assert bits(tmp_path / "parts") == bits(tmp_path / "whole")

    other = load_recipe("babi", (*SETTINGS, *short, "rates.learning_rate=0.1"))
    with pytest.raises(LavaAHPError, match="rates-20.pt: recipe.learning_rate: found"):
        train_relational(other, data, "babi", out="parts", resume=True)


def test_a_head_is_added_to_a_network_and_nothing_else_changes(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    short = ("reader.updates=6", "smooth.updates=6", "rates.updates=8", "spikes.updates=5")
    settings = (*SETTINGS, *short)
    stories = tmp_path / "stories"
    stories.mkdir()
    for path in data.iterdir():
        for task in (20, 4):
            (stories / path.name.replace("20", str(task))).write_bytes(path.read_bytes())
    train_relational(load_recipe("babi", settings), stories, "babi", settings, "net")
    before, provenance = bits(tmp_path / "net"), relational.read_provenance("net")

    more = [*settings, "tasks=[4]"]
    sets = [argument for setting in more for argument in ("--set", setting)]
    command = ["train", "babi", *sets, "--data", str(stories), "--out", "net", "--extend"]
    assert cli.main(command) == 0
    after = bits(tmp_path / "net")
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == ["answer-4.net", "relation-4.net"]
    added = relational.read_provenance("net")
    assert list(added["metrics"]) == ["4", "20"]
    assert added["metrics"]["20"] == provenance["metrics"]["20"]
    assert "--set 'tasks=[4]' --data FOLDER --out net --extend" in (tmp_path / "net/README.md").read_text()

    for setting, message in (
        ("window=6", "net: window: found 8, expected 6 as in the recipe"),
        ("reader.neurons=16", "net: sentence: found 32 neurons, expected 16 as in the recipe"),
    ):
        assert cli.main([*command, "--set", setting]) == 2
        assert message in " ".join(capsys.readouterr().err.split())
    other = tmp_path / "other"
    other.mkdir()
    for path in stories.glob("qa4_*"):
        (other / path.name).write_text(path.read_text().replace("garden", "garten"))
    assert cli.main([*command[:-4], str(other), *command[-3:]]) == 2
    assert "only one of them has 'garden'" in " ".join(capsys.readouterr().err.split())
    assert bits(tmp_path / "net") == after
    assert cli.main(["train", "digits", "--extend"]) == 2
    assert "--extend: found recipe 'digits'" in capsys.readouterr().err


def test_a_relational_recipe_wants_data_and_another_loop(capsys):
    assert cli.main(["train", "babi"]) == 2
    assert "data: found none" in capsys.readouterr().err
    from lava_ahp.training import train

    with pytest.raises(ParameterError, match="found a relational network of task 'babi'"):
        train("babi")
    with pytest.raises(LavaAHPError, match="rates.updates: found 0"):
        load_recipe("babi", ["rates.updates=0"])


def table_of(questions):
    vocabulary = babi.Vocabulary.of(questions)
    return babi.QuestionTable.of(questions, vocabulary, 9), vocabulary


def question(story, query, support):
    story = tuple(babi.split_words(sentence) for sentence in story)
    return babi.Question(1, story, babi.split_words(query), "kitchen", support)


def test_balance_draws_questions_of_all_places_alike():
    story = ["mary went to the kitchen", "john went to the office", "john went to the garden"]
    questions = [question(story, "where is john", (2,))] * 90 + [question(story, "where is mary", (0,))] * 10
    table, _ = table_of(questions)

    class Stage:
        grown = 1.0
        random = np.random.default_rng(0)

        class recipe:
            batch_size = 4000

    for balance, share in ((0.0, 0.1), (0.5, 0.25), (1.0, 0.5)):
        drawn = _drawing(table, questions, balance)(Stage)
        asked_of_mary = np.mean(drawn.query == table.query[-1])
        assert asked_of_mary == pytest.approx(share, abs=0.03)


def test_overlap_is_of_words_that_tell_stories_apart():
    story = ["mary went to the kitchen", "john went to the office", "sandra went to the garden"]
    names = "mary", "john", "sandra", "daniel"
    questions = [question(story, f"where is {name}", (0,)) for name in names]
    table, vocabulary = table_of(questions)
    overlap = Overlap(table, len(vocabulary.words), 4)
    # sentences are numbered from the most recent one, of sandra; questions as they are asked
    assert np.array_equal(overlap.with_query, np.eye(4)[:3][::-1])
    assert np.array_equal(overlap.with_each_other, np.eye(3))

    # Rates that say what there is to tell: pairs are (0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)
    # of the most recent sentence, 0, of sandra, and the oldest, 2, of mary.
    told = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1], [1, 1, 0, 0]])
    with torch.no_grad():
        overlap.probe.weight.copy_(torch.eye(4) * 4)
        overlap.probe.bias.fill_(-20.0)
        right = overlap.loss(torch.from_numpy(told).float(), table[:1])
        wrong = overlap.loss(torch.from_numpy(1 - told).float(), table[:1])
    assert right < 1e-4 < 1 < wrong


def test_sums_of_rows_and_their_gradients_are_those_of_the_matrix():
    matrix = membership([0, 0, 2, 2, 2], [1, 3, 0, 1, 4], (4, 5))
    x = torch.randn(5, 3, 2, requires_grad=True)
    dense = torch.from_numpy(matrix.toarray())
    expected = torch.einsum("sr,rnt->snt", dense, x)
    found = sum_rows(x, matrix)
    torch.testing.assert_close(found, expected)
    grad = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, x, grad)[0], torch.autograd.grad(expected, x, grad)[0]
    )
