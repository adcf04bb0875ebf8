"""Several processes under torchrun compute what one process does on the whole batch."""

import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.training import load_recipe, train  # noqa: E402
from lava_ahp.training.loop import _Run  # noqa: E402

SETTINGS = [
    "network.regular=20",
    "network.ahp=20",
    "training.batch_size=64",
    "training.firing_rate_target=0.0",
]
"""With a penalty on any firing, which is no sum over samples."""

GRADIENTS = f"""
import sys, numpy as np, torch
from pathlib import Path
from lava_ahp.training import distributed, load_recipe
from lava_ahp.training.loop import _Run
distributed.join()
run = _Run(load_recipe("digits", {SETTINGS!r}), Path("run"), None)
measured = run.backward(np.arange(64))
assert distributed.world_size() == 2
if distributed.rank() == 0:
    torch.save(([p.grad for p in run.parameters], measured), "gradients.pt")
"""


EPOCHS = [*SETTINGS, "training.epochs=3", "training.checkpoint_minutes=0"]

RESUMED = f"""
import os
from lava_ahp.training import distributed, train
distributed.join()
os.chdir(f"machine{{distributed.rank()}}")
train("digits", {EPOCHS!r}, "run.net", resume=True)
"""

ENDING = """
import sys, torch, torch.distributed as dist
from lava_ahp.training import distributed
rank = int(sys.argv[1])
for attempt in range(30):
    dist.init_process_group("gloo", f"file://{sys.argv[2]}/{attempt}", rank=rank, world_size=2)
    for number in range(10):
        value = torch.tensor([float(rank + number)])
        assert distributed.total(value).item() == 2 * number + 1
        assert distributed.extreme(value, largest=True).item() == number + 1
    dist.destroy_process_group()
"""


def torchrun(folder, *arguments, limit=240):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = subprocess.Popen(
        [*command, *arguments], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        _, errors = process.communicate(timeout=limit)
    finally:
        process.terminate()  # by which torchrun ends the processes that it started
        process.wait()
    assert process.returncode == 0, errors


def test_the_group_ends_whatever_its_threads_still_hold(tmp_path):
    command = [sys.executable, "-c", ENDING]
    processes = [subprocess.Popen([*command, str(rank), tmp_path]) for rank in range(2)]
    try:
        for process in processes:
            assert process.wait(timeout=120) == 0
    finally:
        for process in processes:
            process.kill()


def test_gradients_of_two_processes_add_up_to_those_of_one_on_the_whole_batch(tmp_path):
    (tmp_path / "gradients.py").write_text(GRADIENTS)
    torchrun(tmp_path, "gradients.py")
    gradients, measured = torch.load(tmp_path / "gradients.pt", weights_only=True)
    alone = _Run(load_recipe("digits", SETTINGS), tmp_path / "alone", None)
    expected = alone.backward(np.arange(64))
    assert measured == pytest.approx(expected, rel=1e-5)
    for parameter, gradient in zip(alone.parameters, gradients):
        size = parameter.grad.abs().max()
        assert size > 1e-3
        torch.testing.assert_close(gradient, parameter.grad, rtol=0, atol=1e-6 * float(size))


def test_a_run_goes_on_where_only_the_first_of_two_machines_has_the_checkpoint(tmp_path, monkeypatch):
    def stop(entry):
        raise KeyboardInterrupt

    first, second = tmp_path / "machine0", tmp_path / "machine1"
    first.mkdir()
    second.mkdir()
    monkeypatch.chdir(first)
    with pytest.raises(KeyboardInterrupt):
        train("digits", EPOCHS, "run.net", report=stop)
    (tmp_path / "resumed.py").write_text(RESUMED)
    torchrun(tmp_path, "resumed.py")
    (course,) = first.glob("runs/run/metrics.csv")
    assert [line.split(",")[0] for line in course.read_text().splitlines()[1:]] == ["1", "2", "3"]
    assert (first / "run.net").is_file() and not list(second.rglob("*.*"))


@pytest.mark.slow
def test_two_processes_train_digits_to_the_same_accuracy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["training.epochs=30", "network.columns=1", "network.regular=60", "network.ahp=60"]
    sets = [word for setting in settings for word in ("--set", setting)]
    torchrun(tmp_path, "-m", "lava_ahp.cli", "train", "digits", *sets, "--out", "two.net", limit=1800)
    from lava_ahp.evaluation import evaluate

    two = evaluate(tmp_path / "two.net", split="validation").accuracy
    one = train("digits", settings, "one.net").metrics["validation"]["accuracy"]
    assert one > 0.85 and abs(two - one) < 0.05
