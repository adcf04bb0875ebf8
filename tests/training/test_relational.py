"""Relational networks are trained from a recipe, learn, and resume to the same bits."""

import hashlib

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp import cli, relational  # noqa: E402
from lava_ahp.errors import LavaAHPError, ParameterError  # noqa: E402
from lava_ahp.slayer.rows import membership, sum_rows  # noqa: E402
from lava_ahp.tasks import babi  # noqa: E402
from lava_ahp.training import load_recipe, train_relational  # noqa: E402

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
    with pytest.raises(LavaAHPError, match="rates-20.pt: recipe: found"):
        train_relational(other, data, "babi", out="parts", resume=True)


def test_a_relational_recipe_wants_data_and_another_loop(capsys):
    assert cli.main(["train", "babi"]) == 2
    assert "data: found none" in capsys.readouterr().err
    from lava_ahp.training import train

    with pytest.raises(ParameterError, match="found a relational network of task 'babi'"):
        train("babi")
    with pytest.raises(LavaAHPError, match="rates.updates: found 0"):
        load_recipe("babi", ["rates.updates=0"])


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
