"""Recipes, and what a training run leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp import netx, tasks  # noqa: E402
from lava_ahp.engine import simulate  # noqa: E402
from lava_ahp.errors import FileFormatError, LavaAHPError  # noqa: E402
from lava_ahp.network import Metadata  # noqa: E402
from lava_ahp.training import load_recipe, recipe_names, train  # noqa: E402
from lava_ahp.training import recipe as recipes  # noqa: E402
from lava_ahp.training.loop import _Run  # noqa: E402
from lava_ahp.training.model import Classifier  # noqa: E402

SMALL = [
    "network.regular=12",
    "network.ahp=8",
    "training.epochs=3",
    "training.batch_size=128",
    "training.checkpoint_minutes=0",
]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def same_network(one, other):
    return all(
        np.array_equal(a.connections[name].weight, b.connections[name].weight)
        for a, b in zip(one.layers, other.layers)
        for name in a.connections
    ) and np.array_equal(one.layers[0].neuron.dv, other.layers[0].neuron.dv)


def test_recipes_of_the_package_are_valid():
    assert "digits" in recipe_names()
    for name in recipe_names():
        load_recipe(name)


def test_a_trained_file_gives_the_accuracy_that_its_provenance_claims():
    trained = train("digits", [*SMALL, "notes=Nothing *else*."], "small.net")
    network = netx.read("small.net")
    assert same_network(network, trained.network)
    samples = tasks.get("digits").load("validation")
    result = simulate(network, samples.spikes[0 : len(samples)])
    accuracy = np.mean(result.predictions == samples.labels)
    assert network.metadata.provenance["metrics"]["validation"]["accuracy"] == accuracy
    assert accuracy == max(entry["validation_accuracy"] for entry in trained.history)
    card = (trained.path.parent / "small.md").read_text()
    assert f"{accuracy:.2%}" in card and "training.epochs=3" in card
    assert card.endswith("## What was tried\n\nNothing *else*.\n")
    assert trained.run_folder.joinpath("metrics.csv").read_text().count("\n") == 4
    assert trained.run_folder.joinpath("training.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "settings", [[], ["network.centred_readout=true", "network.readout_in_exp=-2"]]
)
def test_columns_together_answer_as_the_exported_network_does(settings):
    small = ["network.regular=12", "network.ahp=8", "network.bias=[0.1,0.5]"]
    recipe = load_recipe("digits", [*small, *settings])
    torch.manual_seed(0)
    model = Classifier(recipe, 34, 10, np.random.default_rng(0))
    spikes = tasks.get("digits").load("validation").spikes[0:20]
    model.centre([torch.from_numpy(spikes).float()])
    answer = model.answer(torch.from_numpy(spikes).float()).detach().numpy()
    network = model.to_network(Metadata())
    assert np.count_nonzero(network.layer("readout").neuron.bias_mant) == (10 if settings else 0)
    result = simulate(network, spikes)
    assert result.spike_counts["hidden"].sum() > 1000
    assert np.array_equal(answer * 4096, result.output)


def test_a_centred_readout_leaves_the_mean_voltage_of_a_class_where_its_offset_puts_it():
    settings = ["network.bias=[0.1,0.5]", "network.readout_tau=8192", "network.readout_in_exp=-3"]
    spikes = torch.from_numpy(tasks.get("digits").load("validation").spikes[0:100]).float()
    means = []
    for centred in ("false", "true"):
        recipe = load_recipe("digits", [*settings, f"network.centred_readout={centred}"])
        torch.manual_seed(0)
        model = Classifier(recipe, 34, 10, np.random.default_rng(0))
        with torch.no_grad():
            model.readout.synapse.weight += 0.1
            if model.centred:
                model.offsets[0, 3] = 2.0
        model.centre(spikes.split(50))
        means.append(model.answer(spikes).mean(0).detach().numpy())
    # In each step the offset of 2 brings 2 times 0.05. Spikes of the last step never arrive, but
    # count for the mean.
    expected = np.where(np.arange(10) == 3, 2 * 0.05 * spikes.shape[1], 0)
    assert np.abs(means[1] - expected).max() < 0.05 * np.abs(means[0]).min()


def test_columns_have_no_connections_between_them():
    recipe = load_recipe("digits", ["network.regular=4", "network.ahp=8", "network.columns=2"])
    model = Classifier(recipe, 34, 10, np.random.default_rng(0))
    hidden = model.to_network(Metadata()).layer("hidden")
    column = np.array([0, 0, 1, 1] + [0] * 4 + [1] * 4)
    apart = column[:, None] != column
    assert not hidden.recurrent.weight[apart].any()
    assert np.count_nonzero(hidden.recurrent.weight[~apart]) > 50
    assert np.array_equal(hidden.neuron.is_ahp, np.arange(12) >= 4)


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    first = train("digits", SMALL, "first.net").network
    again = train("digits", SMALL, "again.net").network
    other = train("digits", [*SMALL, "seed=99"], "other.net").network
    assert same_network(first, again)
    assert not same_network(first, other)


def test_learning_lowers_the_loss():
    history = train("digits", [*SMALL, "training.epochs=8"], "learnt.net").history
    assert history[-1]["loss"] < history[0]["loss"] - 0.1


def test_a_killed_run_resumes_to_the_network_of_an_uninterrupted_one():
    settings = [*SMALL, "training.epochs=8"]
    expected = train("digits", settings, "whole.net").network
    code = (
        "from lava_ahp.training import train;"
        f"train('digits', {settings!r}, 'killed.net', report=lambda entry: print(entry['epoch'], flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.strip() == "3":
            process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not os.path.exists("killed.net")
    reported = []
    resumed = train("digits", settings, "killed.net", resume=True, report=reported.append)
    assert reported[0]["epoch"] >= 3 and len(resumed.history) == 8
    assert same_network(resumed.network, expected)


@pytest.mark.parametrize(
    "text, where",
    [
        ("task = 'digits'", "network: found none"),
        (
            "task = 'nothing'\n[network]\nregular=1\nahp=1\n[training]\nepochs=1",
            "task: found 'nothing', expected one of ['babi', 'digits', 'smnist']",
        ),
        ("task = 'digits'\n[network]\nregular=1\nahp=1\n[training]\nepochs=0", "training.epochs"),
        ("task = 'digits'\n[network]\nregular=1\nahp=1\nwings=2\n[training]\nepochs=1", "network.wings"),
        ("task = 'digits'\n[network]\nregular=1\nahp=1\ntau_v=0.5\n[training]\nepochs=1", "network.tau_v: found 0.5"),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\ntau_v=[9]\n[training]\nepochs=1",
            "network.tau_v: found [9]: Input should be a number or a pair of numbers",
        ),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\ntau_v=[9, 0]\n[training]\nepochs=1",
            "network.tau_v: found 0: Input should be greater than or equal to 1",
        ),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\ntau_v=[9, 3]\n[training]\nepochs=1",
            "network.tau_v: found the range [9.0, 3.0]",
        ),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\nthreshold=1e9\n[training]\nepochs=1",
            "network.threshold: found 1000000000.0, expected at most",
        ),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\n[training]\nepochs=1\nlearning_rate=inf",
            "training.learning_rate: found Infinity: Input should be a finite number",
        ),
        (
            "task = 'digits'\n[network]\nregular=1\nahp=1\n[training]\nepochs=1\nfiring_rate_floor=0.9",
            "training.firing_rate_floor: found 0.9, expected at most firing_rate_target = 0.05",
        ),
        (
            "task = 'digits'\n[network]\nregular=0\nahp=0\n[training]\nepochs=1",
            "network.ahp: found 0 and regular = 0, expected at least one neuron",
        ),
        (
            "task = 'digits'\n[network]\nregular=3\nahp=4\ncolumns=2\n[training]\nepochs=1",
            "network.columns: found 2, expected a number that divides regular = 3 and ahp = 4",
        ),
        ("task = [", "TOML"),
    ],
)
def test_a_broken_recipe_is_refused_by_file_and_field(text, where, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(f"notes = '{'what was tried ' * 100}'\n{text}")
    with pytest.raises(LavaAHPError) as caught:
        load_recipe(path)
    problem = str(caught.value)
    assert problem.startswith(str(path)) and where in problem
    assert len(problem) < len(str(path)) + 150, "a whole table"


@pytest.mark.parametrize("override", ["epochs", "training.wings=1", "seed=-1", "task.name=1", "=3"])
def test_an_override_of_nothing_is_refused(override):
    with pytest.raises(LavaAHPError):
        load_recipe("digits", [override])


def test_overrides_change_their_field_alone():
    recipe = load_recipe("digits", ["training.epochs=7", "network.tau_v=[3, 9]", "task=digits"])
    base = load_recipe("digits")
    assert recipe.training.epochs == 7
    assert recipe.network.tau_v == (3, 9)
    assert recipe.training.model_copy(update={"epochs": base.training.epochs}) == base.training


def test_resuming_with_another_recipe_is_refused(monkeypatch):
    def stop(entry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("digits", SMALL, "one.net", report=stop)
    with pytest.raises(LavaAHPError, match="recipe.training.epochs: found 3, expected 4"):
        train("digits", [*SMALL, "training.epochs=4"], "one.net", resume=True)


def test_a_file_that_is_no_checkpoint_is_refused():
    torch.save({"weights": torch.zeros(3)}, "other.pt")
    with pytest.raises(FileFormatError, match="other.pt: recipe: found none"):
        train("digits", SMALL, "second.net", begin="other.pt")


def test_the_command_of_a_model_card_makes_the_network_again():
    Path("mine.toml").write_text(
        Path(recipes.__file__).with_name("recipes").joinpath("digits.toml").read_text()
    )
    trained = train("mine.toml", [*SMALL, "network.tau_v=[3, 9]"], "first.net")
    card = trained.path.with_suffix(".md").read_text()
    (command,) = (line for line in card.splitlines() if line.startswith("    lava-ahp train"))
    bin_folder = Path(sys.executable).parent
    again = command.strip().replace("first.net", "again.net")
    subprocess.run(f"{bin_folder}/{again}", shell=True, check=True, capture_output=True)
    assert same_network(netx.read("again.net"), trained.network)


def test_resuming_without_a_checkpoint_is_refused():
    with pytest.raises(LavaAHPError, match="found no checkpoint"):
        train("digits", SMALL, "none.net", resume=True)


def test_reports_count_epochs_and_seconds():
    entries = []
    started = time.monotonic()
    train("digits", SMALL, "timed.net", report=entries.append)
    elapsed = time.monotonic() - started
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    assert 0 < entries[0]["seconds"] < entries[-1]["seconds"] <= elapsed


SPARSE = [
    *SMALL,
    "network.input_density=0.2",
    "network.recurrent_density=0.1",
    "training.rewiring_noise=0.01",
    "training.weight_average=0.9",
]


def test_a_sparse_recipe_gives_a_network_of_no_more_synapses_than_asked():
    trained = train("digits", SPARSE, "sparse.net")
    # of columns of 5 neurons with 34 inputs, 20 % of 170 and 10 % of 25
    for entry in trained.history:
        assert entry["moved_synapses"] > 0
        assert entry["density"] == pytest.approx((34 + 2) / (170 + 25))
    hidden = trained.network.layer("hidden")
    assert 0.15 * 20 * 34 < hidden.inputs.n_synapses <= 0.2 * 20 * 34
    assert 0 < hidden.recurrent.n_synapses <= 0.1 * 400


def test_sources_of_a_recipe_have_one_sign_where_asked_and_readouts_some_of_their_synapses():
    settings = [*SPARSE, "network.columns=1"]
    settings += ["network.signed_sources=true", "network.readout_density=0.5"]
    network = train("digits", settings, "signed.net").network
    hidden, readout = network.layers
    for connection in (hidden.inputs, hidden.recurrent):
        weight = connection.effective_weight
        assert (weight > 0).any() and (weight < 0).any()
        assert not ((weight > 0).any(0) & (weight < 0).any(0)).any()
    assert 0.3 * 20 * 10 < readout.inputs.n_synapses <= 0.5 * 20 * 10


def test_gradients_are_scaled_down_to_the_norm_of_a_recipe(monkeypatch):
    norms, step = [], _Run._step

    def record(run):
        norms.append(torch.cat([p.grad.ravel() for p in run.parameters]).norm().item())
        step(run)

    def first(clip):
        """Norm of the gradients in the first update."""
        norms.clear()
        train("digits", [*SMALL, "training.epochs=1", f"training.gradient_clip={clip}"], "clip.net")
        return norms[0]

    monkeypatch.setattr(_Run, "_step", record)
    unclipped = first(1e9)
    assert unclipped > 0.1
    assert first(0.01) == pytest.approx(0.01, rel=1e-3)
    assert first(2 * unclipped) == unclipped


def test_a_narrower_surrogate_lets_gradients_through_at_fewer_voltages(tmp_path):
    def reached(width):
        run = _Run(load_recipe("digits", [*SMALL, f"training.width={width}"]), tmp_path, None)
        run.backward(np.arange(8))
        return sum(p.grad.abs().sum().item() for p in run.parameters)

    assert reached(0.01) < reached(0.3) < reached(1.0)


def test_a_run_that_ends_within_an_epoch_resumes_to_the_same_sparse_network():
    expected = train("digits", SPARSE, "whole.net").network

    class Killed(Exception):
        pass

    def kill(done, total, entry):
        if done == 17:  # of 12 updates in an epoch
            raise Killed

    with pytest.raises(Killed):
        train("digits", SPARSE, "ended.net", progress=kill)
    resumed = train("digits", SPARSE, "ended.net", resume=True)
    assert same_network(resumed.network, expected)
    assert [entry["epoch"] for entry in resumed.history] == [1, 2, 3]


def test_a_run_begins_with_the_best_weights_of_another():
    first = train("digits", SPARSE, "first.net")
    checkpoint = first.run_folder / "checkpoint.pt"
    still = ["training.epochs=1", "training.learning_rate=1e-9", "training.rewiring_noise=0"]
    second = train("digits", [*SPARSE, *still], "second.net", begin=checkpoint)
    assert same_network(second.network, first.network)
    (run,) = second.network.metadata.provenance["begun_with"]
    best = max(entry["validation_accuracy"] for entry in first.history)
    assert run["validation_accuracy"] == best and run["epochs"] == 3
    assert run["training"] == {"epochs": 3, "learning_rate": 0.008, "rewiring_noise": 0.01}
    card = second.path.with_suffix(".md").read_text()
    assert f"Made in 2 runs, on the CPU, in {first.history[-1]['seconds'] / 60:.0f} minutes" in card
    assert f"1. 3 epochs, {best:.2%} of validation right" in card and "--begin CHECKPOINT" in card
    third = train("digits", [*SPARSE, *still], "third.net", begin=second.run_folder / "checkpoint.pt")
    assert len(third.network.metadata.provenance["begun_with"]) == 2


def test_a_run_begins_with_weights_of_the_same_network_only():
    checkpoint = train("digits", [*SMALL, "training.epochs=1"], "first.net").run_folder / "checkpoint.pt"
    with pytest.raises(FileFormatError, match="recipe.network.ahp: found 8, expected 12"):
        train("digits", [*SMALL, "network.ahp=12"], "second.net", begin=checkpoint)
    with pytest.raises(LavaAHPError, match="and resume, expected one of the two"):
        train("digits", SMALL, "second.net", begin=checkpoint, resume=True)
    with pytest.raises(FileFormatError, match="none.pt: found no checkpoint"):
        train("digits", SMALL, "second.net", begin="none.pt")


@pytest.mark.parametrize("plain_epochs, augmented", [(0, {1, 2, 3}), (1, {1, 2}), (3, set())])
def test_images_are_augmented_but_for_the_last_epochs(plain_epochs, augmented, monkeypatch):
    task, epochs = tasks.get("digits"), []
    seen, original = set(), task.augment

    def augment(*arguments):
        seen.add(len(epochs) + 1)
        return original(*arguments)

    monkeypatch.setattr(task, "augment", augment)
    settings = [*SMALL, f"training.plain_epochs={plain_epochs}"]
    train("digits", settings, "small.net", report=epochs.append)
    assert seen == augmented


def test_training_ends_early_where_validation_no_longer_improves():
    settings = [*SMALL, "training.epochs=40", "training.patience=2", "training.learning_rate=1e-9"]
    trained = train("digits", settings, "early.net")
    # The same accuracy again is no improvement, but its weights are as good.
    assert len({entry["validation_accuracy"] for entry in trained.history}) == 1
    assert len(trained.history) == trained.network.metadata.provenance["best_epoch"] == 3


def test_decays_learn_where_asked_and_stay_as_drawn_where_not():
    drawn, again, learnt = (
        train("digits", [*SMALL, *more], "taus.net").network.layer("hidden").neuron
        for more in ([], ["training.epochs=1"], ["training.time_constant_rate=1"])
    )
    assert np.array_equal(drawn.dv, again.dv)
    assert not np.array_equal(drawn.dv, learnt.dv)
    assert 0 <= learnt.dv.min() and learnt.dv.max() <= 4096


def test_decays_change_by_shares_of_themselves_the_slowest_as_well():
    rates = ["training.learning_rate=0.01", "training.time_constant_rate=0.5"]
    settings = [*SMALL, *rates, "network.tau_a=[1000.0,4000.0]"]
    run = _Run(load_recipe("digits", settings), Path("run"), None)
    before = [decay.detach().clone() for decay in run.decays]
    run.backward(np.arange(64))
    run._step()
    assert all(decay.max() < 5 for decay in before[2::3])
    for decay, value in zip(run.decays, before):
        moved = torch.log(decay / value)[decay.grad.abs() > 1e-6]
        # Adam's first step is the rate itself, up to the sign.
        assert len(moved)
        assert torch.allclose(moved.abs(), torch.tensor(0.005), rtol=0.02)


def test_ahp_strengths_and_biases_learn_where_asked_and_regular_neurons_stay_regular():
    drawn, learnt = (
        train("digits", [*SMALL, *more], "constants.net").network.layer("hidden").neuron
        for more in ([], ["training.ahp_strength_rate=0.1", "training.bias_rate=0.1"])
    )
    strengths = [(neuron.ahp_mant << 6) * 2.0**neuron.ahp_exp for neuron in (drawn, learnt)]
    regular = strengths[0] == 0
    assert 0 < regular.sum() < regular.size
    assert np.array_equal(strengths[1] == 0, regular)
    assert len(np.unique(strengths[0][~regular])) == 1
    assert len(np.unique(strengths[1][~regular])) > 5
    assert not np.array_equal(drawn.bias_mant, learnt.bias_mant)
    assert np.array_equal(drawn.dv, learnt.dv)


def test_the_rate_of_learning_warms_up_and_falls(tmp_path):
    run = _Run(load_recipe("digits", [*SMALL, "training.warmup_updates=9"]), tmp_path, None)
    rates = [run._rate(update) for update in range(36)]
    assert rates[0] == 0.1 and rates[4] == pytest.approx(0.5, abs=0.03)
    assert np.argmax(rates) in (8, 9) and 0 < rates[-1] < 0.01
    run = _Run(load_recipe("digits", [*SMALL, "training.schedule=constant"]), tmp_path, None)
    assert run._rate(0) == run._rate(35) == 1


def test_a_cycle_of_the_learning_rate_is_a_whole_training_again(tmp_path):
    once, thrice = (
        _Run(load_recipe("digits", [*SMALL, *settings]), tmp_path, None)
        for settings in (["training.epochs=5"], ["training.epochs=15", "training.cycles=3"])
    )
    n = 5 * once.n_batches
    for update in range(3 * n):
        assert thrice._rate(update) == pytest.approx(once._rate(update % n), abs=1e-9)


def test_damping_goes_evenly_from_its_first_to_its_last_value(monkeypatch):
    seen, original = [], _Run.backward

    def backward(run, chosen):
        seen.append(run.model.columns[0].neuron.surrogate.damping)
        return original(run, chosen)

    monkeypatch.setattr(_Run, "backward", backward)
    train("digits", [*SMALL, "training.damping=[0.2, 0.5]"], "small.net")
    assert np.allclose(seen, np.linspace(0.2, 0.5, len(seen) + 1)[:-1]) and len(seen) > 10
    seen.clear()
    train("digits", [*SMALL, "training.epochs=1", "training.damping=0.4"], "small.net")
    assert {*seen} == {0.4}


def test_a_penalty_on_low_voltages_lifts_them_at_the_same_very_sparse_firing():
    """What the paper's voltage regularisation is for, on this network."""
    rarely = [
        *SMALL,
        "training.epochs=8",
        "training.firing_rate_weight=1.0",
        "training.firing_rate_floor=0.015",
        "training.firing_rate_target=0.02",
    ]
    without, with_penalty = (
        train("digits", [*rarely, f"training.voltage_weight={weight}"], "v.net").history[-1]
        for weight in (0.0, 0.3)
    )
    assert with_penalty["below"] < 0.8 * without["below"]
    assert with_penalty["v_min"] > 0.7 * without["v_min"]
    for run in (without, with_penalty):
        assert 0.012 < run["firing_rate"] < 0.025


def test_firing_rates_are_held_within_their_range():
    settings = [*SMALL, "training.epochs=8", "training.firing_rate_weight=1.0"]
    low, high = (
        train("digits", [*settings, *more], "rate.net").history[-1]["firing_rate"]
        for more in (
            ["training.firing_rate_target=0.01"],
            ["training.firing_rate_floor=0.08", "training.firing_rate_target=0.1"],
        )
    )
    assert low < 0.02 < 0.06 < high
