"""The command line: what it prints, what it returns, and that errors are one line."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from networks import digits_network

from lava_ahp import cli, netx
from lava_ahp.cli import main
from lava_ahp.evaluation import evaluate
from lava_ahp.network import Metadata

COMMAND = [sys.executable, "-m", "lava_ahp.cli"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def net(folder):
    netx.write(digits_network(), folder / "net.net")
    return str(folder / "net.net")


@pytest.fixture
def call(capfd, monkeypatch):
    """Run a command line in this process: exit code, standard output, standard error."""
    # However slow the machine: no line of progress comes between.
    monkeypatch.setattr(cli, "SECONDS_BETWEEN_LINES", float("inf"))

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def refused(call):
    """Run a command line that must be refused and return its one line."""

    def refused(*arguments):
        code, out, err = call(*arguments)
        assert code == 2
        assert out == ""
        assert err.startswith("error: ") and err.count("\n") == 1 and err.endswith("\n")
        return err

    return refused


def test_version(call):
    from lava_ahp import __version__

    assert call("--version") == (0, f"lava-ahp {__version__}\n", "")


def test_help_names_the_commands_and_so_does_a_bare_call(call):
    code, out, _ = call("--help")
    assert code == 0
    assert all(name in out for name in ("demo", "info", "eval", "train"))
    code, bare, _ = call()
    assert code == 0 and "Usage" in bare


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from lava_ahp.cli import main\n"
        "main(['eval', '--help'])\n"
        "heavy = {'sklearn', 'matplotlib', 'lava', 'torch', 'h5py', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_eval_json_is_what_the_call_of_python_gives(call, net):
    code, out, err = call("eval", net, "--limit", 9, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    expected = evaluate(net, limit=9).to_dict()
    assert told.pop("seconds_per_sample") > 0 and expected.pop("seconds_per_sample") > 0
    assert told == expected
    assert {"accuracy", "n", "firing_rate", "firing_rates", "backend"} <= set(told)


def test_eval_prints_accuracy_and_rates_for_people(call, net):
    code, out, _ = call("eval", net, "--split", "validation")
    found = evaluate(net, split="validation")
    assert code == 0
    assert f"{found.accuracy:.2%} ({found.n_correct} of 180)" in out
    assert f"AHP {found.firing_rates['AHP']:.2%}" in out


def test_eval_warns_where_the_readout_spikes(call, folder):
    network = digits_network()
    readout = network.layers[1]
    readout = replace(readout, neuron=replace(readout.neuron, vth=100))
    netx.write(replace(network, layers=(network.layers[0], readout)), folder / "loud.net")
    _, out, _ = call("eval", folder / "loud.net", "--limit", 5)
    assert "spikes of readout neurons" in out


def test_eval_prints_counts_in_all_and_a_sample(call, net):
    _, out, _ = call("eval", net, "--limit", 8)
    operations = evaluate(net, limit=8).operations
    total = sum(operations.spikes.values())
    line = f"spikes        {total:,} in all, {total / 8:,.1f} a sample"
    assert f"{line} (hidden {operations.spikes['hidden']:,}, readout" in out
    assert f"hidden.weight_rec {operations.synaptic_events['hidden.weight_rec']:,}" in out
    low, high = operations.v_min["AHP"], operations.v_max["AHP"]
    assert low < 0 < high and f"AHP {low:,} to {high:,}" in out
    assert "warning" not in out


def test_eval_warns_of_wraps_and_saturations_with_the_name_of_the_group(call, folder):
    network = digits_network()
    hidden = network.layers[0]
    in_exp = np.where(np.arange(11) < 6, 0, 7)
    neuron = replace(hidden.neuron, in_exp=in_exp, du=-1, vth=131071)
    layers = (replace(hidden, neuron=neuron), network.layers[1])
    netx.write(replace(network, layers=layers), folder / "hot.net")
    _, out, _ = call("eval", folder / "hot.net", "--limit", 5)
    found = evaluate(folder / "hot.net", limit=5).operations
    assert found.wraps["AHP"] > 0 and found.wraps["regular"] == 0
    assert f"warning       {found.wraps['AHP']:,} wraps of the synaptic current in group AHP" in out
    assert f"{found.saturations['AHP']:,} saturations of a voltage or AHP current in group AHP" in out
    assert "in group regular" not in out


# NumPy would add its suffix to a name that has none
@pytest.mark.parametrize("name", ["p.npy", "predictions", "new/folder/p.npy"])
def test_predictions_are_written_under_the_name_that_was_given(call, net, tmp_path, name):
    code, _, _ = call("eval", net, "--limit", 7, "--predictions", tmp_path / name)
    assert code == 0
    saved = np.load(tmp_path / name)
    assert saved.dtype == np.int64
    assert np.array_equal(saved, evaluate(net, limit=7).predictions)
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [(tmp_path / name).name]


def test_predictions_of_a_run_that_fails_are_not_written(refused, net, tmp_path):
    path = tmp_path / "p.npy"
    path.write_bytes(b"old")
    refused("eval", net, "--split", "dev", "--predictions", path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["p.npy"]


def test_predictions_that_cannot_be_written_are_refused_before_the_run(
    refused, net, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr("lava_ahp.evaluation.stream", None)
    err = refused("eval", net, "--predictions", tmp_path / "file" / "p.npy")
    assert str(tmp_path / "file") in err
    assert str(tmp_path) in refused("eval", net, "--predictions", tmp_path)


def test_info_json_describes_the_network(call, net):
    code, out, err = call("info", net, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["network"] == net and told["task"] == "digits"
    assert [layer["name"] for layer in told["layers"]] == ["hidden", "readout"]


def test_info_prints_groups_time_constants_and_origin(call, net):
    code, out, _ = call("info", net)
    assert code == 0
    for text in ("regular", "AHP", "204.8", "19.98", "131,071", "split", "random digits", "0.189"):
        assert text in out, text


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "a]b["])
def test_info_prints_names_as_they_are(call, tmp_path, name):
    network = digits_network()
    network = replace(network, metadata=replace(network.metadata, provenance={"name": name}))
    netx.write(network, tmp_path / "a.net")
    code, out, _ = call("info", tmp_path / "a.net")
    assert code == 0 and name in out


def test_a_missing_file_is_named(refused):
    for command in ("eval", "info"):
        assert "no_such.net: found no such file" in refused(command, "no_such.net")


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_truncated_file_is_named(refused, net, tmp_path, share):
    content = open(net, "rb").read()
    path = tmp_path / "cut.net"
    path.write_bytes(content[: int(len(content) * share)])
    for command in ("eval", "info"):
        assert "cut.net" in refused(command, path)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--split", "dev"], ["split", "'dev'", "'validation'"]),
        (["--backend", "gpu"], ["--backend", "gpu", "engine", "lava"]),
        (["--limit", "0"], ["limit", "found 0"]),
        (["--limit", "many"], ["--limit", "integer"]),
        (["--data", "x.npz"], ["data", "x.npz"]),
        (["--colour", "red"], ["--colour"]),
        (["more"], ["more"]),
    ],
)
def test_wrong_options_of_eval_are_named(refused, net, arguments, words):
    err = refused("eval", net, *arguments)
    assert all(word in err for word in words), err


def test_a_network_without_a_task_cannot_be_evaluated(refused, tmp_path):
    netx.write(digits_network(metadata=Metadata()), tmp_path / "a.net")
    assert "task: found none" in refused("eval", tmp_path / "a.net")


@pytest.mark.parametrize("arguments", [["evaluate"], ["info"], ["eval"], ["train"], ["--loud"]])
def test_wrong_usage_is_one_line(refused, arguments):
    refused(*arguments)


@pytest.mark.parametrize("arguments", [["--samples", "0"], ["--network", "no_such.net"]])
def test_a_demo_that_cannot_be_is_refused(refused, arguments, tmp_path, monkeypatch):
    pytest.importorskip("lava.magma")
    monkeypatch.chdir(tmp_path)
    refused("demo", *arguments)
    assert os.listdir(tmp_path) == []


def test_demo_prints_agreement_and_the_picture(call, net, tmp_path):
    pytest.importorskip("lava.magma")
    code, out, _ = call("demo", "--network", net, "--samples", 1, "--out", tmp_path / "a.png")
    assert code == 0
    assert f"{4 * 72 * 21 + 10:,} values" in out and ": 0 differences" in out
    assert str(tmp_path / "a.png") in out and "(" in out


def test_demo_ends_with_one_where_lava_and_the_engine_differ(call, net, tmp_path, monkeypatch):
    pytest.importorskip("lava.magma")
    import lava_ahp.demo

    exact = lava_ahp.demo.simulate

    def wrong(*arguments):
        result = exact(*arguments)
        result.v["hidden"][0, 5, 3] += 1
        return result

    monkeypatch.setattr(lava_ahp.demo, "simulate", wrong)
    code, out, _ = call("demo", "--network", net, "--samples", 1, "--out", tmp_path / "a.png")
    assert code == 1
    assert "1 differences; the first is v of hidden, sample 0, step 5, neuron 3" in out


@pytest.mark.parametrize("module, command", [("lava.magma", "demo"), ("lava.lib.dl.slayer", "train")])
def test_a_missing_extra_is_one_line(module, command, tmp_path):
    """As on a machine that has neither Lava nor lava-dl."""
    code = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *more: None if name == {module!r} else found(name, *more)\n"
        "from lava_ahp.cli import main\n"
        f"sys.exit(main([{command!r}] + (['digits'] if {command!r} == 'train' else [])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "pip install 'lava-ahp[" in done.stderr


def test_training_hands_its_options_on_and_reports(call, monkeypatch, tmp_path):
    training = pytest.importorskip("lava_ahp.training")
    seen = {}

    def train(recipe, **options):
        seen.update(options, recipe=recipe)
        entry = {"epoch": 1, "epochs": 2, "loss": 1.0, "accuracy": 0.4, "firing_rate": 0.1}
        entry |= {"v_min": -3.0, "v_max": 2.0, "seconds": 7.0}
        options["progress"](4, 10, entry)
        options["progress"](5, 10, entry)
        options["report"]({**entry, "validation_accuracy": 0.5})
        metrics = {"validation": {"accuracy": 0.5, "n": 10}}
        return training.loop.Trained(None, tmp_path / "a.net", tmp_path, metrics)

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(cli, "SECONDS_BETWEEN_LINES", 0)
    options = ["--set", "seed=3", "--set", "training.epochs=2", "--out", tmp_path / "a.net"]
    code, out, err = call("train", "digits", *options, "--data", "some", "--resume")
    assert code == 0
    assert seen["recipe"] == "digits" and seen["overrides"] == ["seed=3", "training.epochs=2"]
    assert seen["out"] == tmp_path / "a.net" and seen["resume"] is True and seen["test"] is False
    assert "accuracy 50.0% of 10 samples" in out and str(tmp_path / "a.net") in out
    assert str(seen["data"]) == "some"
    course = "epoch 1 of 2: loss 1.000, right 40.0%, firing 10.0%, voltage -3.0 to 2.0"
    assert err.splitlines()[-3:] == [
        f"{course}: 4 of 10",
        f"{course}: 5 of 10, 0.0 minutes left",
        f"{course}, validation 50.00%, 7 s",
    ]


@pytest.mark.parametrize("setting", ["no.such.key=1", "seed", "seed=many", "=1"])
def test_a_wrong_setting_of_a_recipe_is_refused(refused, setting, tmp_path, monkeypatch):
    pytest.importorskip("lava_ahp.training")
    monkeypatch.chdir(tmp_path)
    refused("train", "digits", "--set", setting)
    assert os.listdir(tmp_path) == []


def test_an_unknown_recipe_is_refused(refused):
    pytest.importorskip("lava_ahp.training")
    assert "no_such" in refused("train", "no_such")


def test_an_error_of_ours_keeps_its_traceback(net, monkeypatch):
    """A fault of the program must not pass for one of the user."""
    monkeypatch.setattr("lava_ahp.info.describe", lambda network: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["info", net])


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_who_leaves_hears_no_complaint(net, options):
    with open(os.devnull) as nothing, subprocess.Popen(
        [*COMMAND, "info", net, *options],
        stdin=nothing,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_network_on_lava_leaves_standard_output_to_json(net, tmp_path):
    pytest.importorskip("lava.magma")
    done = subprocess.run(
        [*COMMAND, "eval", net, "--backend", "lava", "--limit", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["backend"], told["n"]) == ("lava", 2)


def processes_of(group):
    """Ids of the processes of a group that have not ended."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            state, _, its_group = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(entry))
    return found


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="counts processes in /proc")
@pytest.mark.parametrize(
    "number, to_all, n_processes, code",
    [
        # Ctrl-C goes to every process; at 2 Lava has begun to start, at 12 it runs
        (signal.SIGINT, True, 2, 130),
        (signal.SIGINT, True, 12, 130),
        pytest.param(signal.SIGINT, False, 12, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, False, 12, 143, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_on_lava_leaves_no_process_and_no_file(
    net, tmp_path, number, to_all, n_processes, code
):
    pytest.importorskip("lava.magma")
    process = subprocess.Popen(
        [*COMMAND, "eval", net, "--backend", "lava", "--predictions", str(tmp_path / "p.npy")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # whatever this process was told: what runs in a shell's background ignores Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert wait_for(lambda: len(processes_of(process.pid)) >= n_processes, 60)
        (os.killpg if to_all else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code
        assert out == "" and "Traceback" not in err
        assert wait_for(lambda: not processes_of(process.pid), 10)
        assert os.listdir(tmp_path) == []
    finally:
        if processes_of(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def test_the_time_left_is_that_of_the_present_stage(capsys, monkeypatch):
    clock = iter([0, 0, 60, 120, 180, 240])
    monkeypatch.setattr(cli.time, "monotonic", lambda: next(clock))
    progress = cli._Progress()
    for what, done in (("reading", 0), ("reading", 50), ("writing", 1), ("writing", 11), ("writing", 21)):
        progress(what, done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "reading: 50 of 100, 1.0 minutes left",
        "writing: 1 of 100",
        "writing: 11 of 100, 8.9 minutes left",
        "writing: 21 of 100, 7.9 minutes left",
    ]
