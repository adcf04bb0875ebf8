"""NxSDK networks: the import against a second derivation of the chip's equations, and errors."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from lava_ahp import netx
from lava_ahp.cli import main
from lava_ahp.engine import simulate
from lava_ahp.errors import FileFormatError
from lava_ahp.interop import nxsdk
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.tasks import smnist

needs_data = pytest.mark.skipif(
    "LAVA_AHP_DATA" not in os.environ, reason="needs the published network in LAVA_AHP_DATA"
)

INTEL = {
    "regular": {"n_neurons": 140, "dv": 204, "vth": 127},
    "ahp": {
        "n_neurons": 100,
        "dv": 204,
        "vth": 508,
        "in_exp": 2,
        "da": 5,
        "ahp_mant": 96,
        "ahp_exp": -4,
    },
    "readout": {"dv": 204, "vth": 131071},
}
"""Parameters of Intel's sequential-MNIST network, as the paper and its files give them."""


def published():
    folder = Path(os.environ["LAVA_AHP_DATA"]) / "nxsdk_lsnn_seqmnist"
    weights = {name: np.load(folder / f"{name}.npy") for name in ("w_in", "w_rec", "w_out")}
    return folder, weights


def crossings(image):
    """Spikes of one image, shape (840, 80), told pixel by pixel."""
    pixels = [int(value) for value in image.reshape(-1)]
    thresholds = [int(255 * k / 39) for k in range(40)]
    spikes = np.zeros((len(pixels) + 56, 80), int)
    for t, pixel in enumerate(pixels):
        if pixel == 255:
            spikes[t, 78] = 1
        if t + 1 < len(pixels):
            for k in range(1, 39):
                if pixel < thresholds[k] <= pixels[t + 1]:
                    spikes[t, 2 * k] = 1
                if pixels[t + 1] < thresholds[k] <= pixel:
                    spikes[t, 2 * k + 1] = 1
    spikes[len(pixels) :, 79] = 1
    return spikes


class Compartments:
    """Neurons as the chip has them: excitatory and inhibitory synapses, two compartments."""

    def __init__(self, groups, *inputs):
        sizes = [group["n_neurons"] for group in groups]

        def constant(name, default=0):
            return np.repeat([group.get(name, default) for group in groups], sizes)

        self.excitatory = [np.maximum(w, 0).astype(int) for w in inputs]
        self.inhibitory = [np.maximum(-w, 0).astype(int) for w in inputs]
        self.gain = 2 ** (6 + constant("in_exp"))
        self.kick = constant("ahp_mant") * 2 ** (6 + constant("ahp_exp", -6))
        self.vth, self.dv, self.da = constant("vth"), constant("dv"), constant("da")
        self.du = constant("du", 4095) + 1
        self.dead = constant("refractory_period")
        self.u, self.v, self.a, self.s = np.zeros((4, sum(sizes)), int)
        self.since = np.full(sum(sizes), 10**6)

    def step(self, *spikes):
        u = self.shrink(self.u, self.du)
        for excite, inhibit, sent in zip(self.excitatory, self.inhibitory, spikes):
            u = u + self.gain * (sent @ excite) - self.gain * (sent @ inhibit)
        self.u = np.where(u > 2**23, u - 2**24, np.where(u <= -(2**23), u + 2**24, u))
        assert (abs(self.u) <= 2**23).all()
        self.a = self.limit(self.shrink(self.a, self.da) - self.kick * self.s)
        v = self.limit(self.shrink(self.v, self.dv) + self.u + self.a)
        self.since += 1
        v = np.where(self.since <= self.dead, 0, v)
        self.s = (v > self.vth * 64).astype(int)
        self.since[self.s == 1] = 0
        self.v = np.where(self.s == 1, 0, v)
        return self.s

    @staticmethod
    def shrink(state, amount):
        return np.sign(state) * (np.abs(state) * (4096 - amount) // 4096)

    @staticmethod
    def limit(state):
        return np.clip(state, -(2**23) + 1, 2**23 - 1)


def chip(weights, spikes, parameters):
    """Spikes, u, v and a of `hidden` and `readout` for one sample, each (time, neuron)."""
    population = [parameters["regular"], parameters["ahp"]]
    hidden = Compartments(population, weights["w_in"], weights["w_rec"])
    n_outputs = weights["w_out"].shape[1]
    readout = Compartments([{**parameters["readout"], "n_neurons": n_outputs}], weights["w_out"])
    trace = {name: {key: [] for key in "suva"} for name in ("hidden", "readout")}
    before, fired = np.zeros(len(weights["w_in"]), int), np.zeros(len(weights["w_rec"]), int)
    for arriving in spikes:
        # what is sent in one step acts in the next
        heard = fired
        fired = hidden.step(before, heard)
        readout.step(heard)
        before = arriving
        for name, population in (("hidden", hidden), ("readout", readout)):
            for key in "suva":
                trace[name][key].append(getattr(population, key).copy())
    return trace


def assert_same(network, samples, weights, parameters):
    """The engine gives what the second derivation gives, in every bit; returns its result."""
    result = simulate(network, samples, record=("spikes", "u", "v", "a"))
    for b, sample in enumerate(samples):
        trace = chip(weights, sample, parameters)
        for layer in ("hidden", "readout"):
            for key, recorded in zip("suva", (result.spikes, result.u, result.v, result.a)):
                np.testing.assert_array_equal(recorded[layer][b], trace[layer][key])
        assert result.predictions[b] == list(trace["readout"]["v"][-1]).index(
            max(trace["readout"]["v"][-1])
        )
    return result


def write(folder, weights, config=None, dtype=np.float32):
    for name, weight in weights.items():
        np.save(folder / f"{name}.npy", np.asarray(weight).astype(dtype))
    if config is None:
        return None
    lines = [f"{key} = {json.dumps(value)}" for key, value in config.items() if not isinstance(value, dict)]
    for table in (key for key, value in config.items() if isinstance(value, dict)):
        lines += [f"[{table}]", *(f"{key} = {value}" for key, value in config[table].items())]
    (folder / "config.toml").write_text("\n".join(lines))
    return folder / "config.toml"


def random_weights(random, n_inputs, n, n_outputs, density):
    shapes = {"w_in": (n_inputs, n), "w_rec": (n, n), "w_out": (n, n_outputs)}
    return {
        name: random.integers(-255, 256, shape) * (random.random(shape) < density)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_random_network_runs_as_the_equations_of_the_chip_say(seed, tmp_path):
    random = np.random.default_rng(seed)
    weights = random_weights(random, 80, 240, 10, density=0.2)
    weights["w_out"][:, 0] = 255
    write(tmp_path, weights)
    samples = (random.random((2, 150, 80)) < 0.05).astype(int)
    result = assert_same(nxsdk.read(tmp_path), samples, weights, INTEL)
    assert 0.01 < result.spike_counts["hidden"].mean() / 150 < 0.5
    # readouts are ordinary neurons: where voltages rise high enough they spike and reset
    assert (result.spike_counts["readout"].sum(0) > 0).tolist() == [True] + [False] * 9


@pytest.mark.parametrize("seed", range(6))
def test_every_parameter_of_the_config_takes_effect(seed, tmp_path):
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 9, 4)

    def draw(**more):
        return {
            "du": int(random.integers(1000, 4096)),
            "dv": int(random.integers(0, 600)),
            "da": int(random.integers(0, 300)),
            "vth": int(random.integers(50, 600)),
            "ahp_mant": int(random.integers(1, 256)),
            "ahp_exp": int(random.integers(-6, 2)),
            "in_exp": int(random.integers(-2, 3)),
            "refractory_period": int(random.integers(0, 4)),
            **more,
        }

    config = {
        "task": "",
        "class_names": [f"class {i}" for i in range(sizes[3])],
        "regular": draw(n_neurons=int(sizes[0])),
        "ahp": draw(n_neurons=int(sizes[1])),
        "readout": draw(),
    }
    weights = random_weights(random, sizes[2], sizes[0] + sizes[1], sizes[3], density=0.8)
    path = write(tmp_path, weights, config, random.choice([np.int16, np.float64, np.int64]))
    network = nxsdk.read(tmp_path, path)
    assert network.metadata.class_names == tuple(config["class_names"])
    samples = (random.random((3, 60, sizes[2])) < 0.4).astype(int)
    result = assert_same(network, samples, weights, config)
    assert result.spike_counts["hidden"].sum() > 20


def test_what_a_config_leaves_out_is_as_in_intels_network(tmp_path):
    write(tmp_path, random_weights(np.random.default_rng(0), 80, 240, 10, 0.1))
    (tmp_path / "config.toml").write_text("[ahp]\nda = 6\nrefractory_period = 2")
    default = nxsdk.read(tmp_path).layers
    changed = nxsdk.read(tmp_path, tmp_path / "config.toml").layers
    for field in FixedAHPParameters().arguments():
        one, other = (getattr(layers[0].neuron, field) for layers in (default, changed))
        if field in ("da", "refractory_period"):
            assert (one[:140] == other[:140]).all()
            assert (other[140:] == {"da": 6, "refractory_period": 2}[field]).all()
        else:
            np.testing.assert_array_equal(one, other)
    assert default[1].neuron.arguments() == changed[1].neuron.arguments()


@needs_data
def test_the_published_network_runs_as_the_equations_of_the_chip_say(tmp_path):
    folder, weights = published()
    assert main(["import-nxsdk", str(folder), "--out", str(tmp_path / "intel.net")]) == 0
    network = netx.read(tmp_path / "intel.net")
    samples = smnist.load("train").first(6)
    for image, spikes in zip(samples.images, samples.spikes):
        np.testing.assert_array_equal(spikes, crossings(image))
    assert_same(network, samples.spikes[:], weights, INTEL)


@needs_data
def test_the_published_network_does_what_was_published(tmp_path, capsys):
    """92 % right, 5 to 6 % of neurons firing, 640,000 synaptic events an image."""
    folder, weights = published()
    out, predictions = str(tmp_path / "intel.net"), tmp_path / "p.npy"
    assert main(["import-nxsdk", str(folder), "--out", out]) == 0
    data = str(folder.parent / "mnist_train.npz")
    options = ["--limit", "400", "--predictions", str(predictions), "--json"]
    capsys.readouterr()
    assert main(["eval", out, "--data", data, *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 0.90 < found["accuracy"] < 0.94
    assert 0.05 < found["firing_rate"] < 0.06
    assert (np.load(predictions) == smnist.load("test", data).first(400).labels).sum() == found["n_correct"]
    spikes = smnist.load("test", data).first(100).spikes[:]
    counts = simulate(netx.read(out), spikes).spike_counts["hidden"]
    events = (spikes.sum(1) @ (weights["w_in"] != 0).sum(1)).mean() + (
        counts @ ((weights["w_rec"] != 0).sum(1) + (weights["w_out"] != 0).sum(1))
    ).mean()
    assert 600_000 < events < 680_000


@needs_data
@pytest.mark.parametrize(
    "record", [("v",), pytest.param(("spikes", "u", "v", "a"), marks=pytest.mark.slow)]
)
def test_lava_gives_the_same_bits_on_a_whole_image(record):
    pytest.importorskip("lava.magma")
    from lava_ahp.processes import simulate_on_lava

    network = nxsdk.read(published()[0])
    samples = smnist.load("train").first(1)
    expected = simulate(network, samples.spikes[:], record)
    got = simulate_on_lava(network, samples.spikes[:], samples.spikes.n_steps, record)
    np.testing.assert_array_equal(got.output, expected.output)
    for kind in record:
        for layer in ("hidden", "readout"):
            np.testing.assert_array_equal(getattr(got, kind)[layer], getattr(expected, kind)[layer])


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, random_weights(np.random.default_rng(0), 80, 240, 10, 0.1))
    return tmp_path


def poked(name, index, value):
    def change(folder):
        weight = np.load(folder / f"{name}.npy")
        weight[index] = value
        np.save(folder / f"{name}.npy", weight)

    return change


def saved(name, array):
    return lambda folder: np.save(folder / f"{name}.npy", array)


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


@pytest.mark.parametrize(
    "change, file, problem",
    [
        (lambda f: (f / "w_rec.npy").unlink(), "w_rec.npy", "found no such file"),
        (text("w_in.npy", "1 2 3"), "w_in.npy", "expected a whole .npy file"),
        (text("w_in.npy", ""), "w_in.npy", "expected a whole .npy file"),
        (
            lambda f: (f / "w_rec.npy").write_bytes((f / "w_rec.npy").read_bytes()[:-1]),
            "w_rec.npy",
            "expected a whole .npy file",
        ),
        (poked("w_in", (3, 7), np.nan), "w_in.npy", r"found nan at \(3, 7\)"),
        (poked("w_out", (3, 7), -np.inf), "w_out.npy", r"found -inf at \(3, 7\)"),
        (poked("w_rec", (3, 7), 0.5), "w_rec.npy", r"found 0.5 at \(3, 7\), expected an integer"),
        (poked("w_rec", (3, 7), 256), "w_rec.npy", r"found 256 at \(3, 7\).*-255 to 255"),
        (poked("w_rec", (3, 7), -256), "w_rec.npy", r"found -256 at \(3, 7\)"),
        (saved("w_in", np.zeros((80, 239))), "w_in.npy", r"found shape \(80, 239\), expected \(80, 240\)"),
        (saved("w_rec", np.zeros((240, 9))), "w_rec.npy", r"found shape \(240, 9\), expected \(240, 240\)"),
        (saved("w_out", np.zeros((9, 10))), "w_out.npy", r"found shape \(9, 10\), expected \(240, 10\)"),
        (saved("w_out", np.zeros(240)), "w_out.npy", r"found shape \(240,\), expected \(source, target\)"),
        (saved("w_out", np.zeros((240, 0))), "w_out.npy", r"found shape \(240, 0\)"),
        (saved("w_out", np.array([["a"]])), "w_out.npy", "expected an array of numbers"),
        (saved("w_out", np.array([[None]])), "w_out.npy", "expected a whole .npy file"),
        (saved("w_in", np.zeros((79, 240))), "", "encoding: found 80 channels, expected 79"),
        (saved("w_out", np.zeros((240, 9))), "", "class_names: found 10, expected 9"),
    ],
)
def test_wrong_weights_are_named_by_file_and_index(folder, change, file, problem):
    change(folder)
    with pytest.raises(FileFormatError, match=problem) as caught:
        nxsdk.read(folder)
    assert str(caught.value).startswith(str(folder / file))


@pytest.mark.parametrize(
    "config, where, problem",
    [
        ("[regular]\ndv = 4097", "regular.dv", "found 4097: .*less than or equal to 4096"),
        ("[ahp]\nda = -1", "ahp.da", "found -1"),
        ("[ahp]\nahp_mant = 96.5", "ahp.ahp_mant", "found 96.5"),
        ("[ahp]\nahp_exp = true", "ahp.ahp_exp", "found true"),
        ("[readout]\nvth = 'high'", "readout.vth", 'found "high"'),
        ("[readout]\nn_neurons = 10", "readout.n_neurons", "Extra inputs"),
        ("[regular]\nn_neurons = -1", "regular.n_neurons", "found -1"),
        ("[regulars]\nvth = 1", "regulars", "Extra inputs"),
        ("regular = 3", "regular", "found 3"),
        ("encoding = 'none'", "encoding", 'found "none"'),
        ("task = 'mnist'", "", "task: found 'mnist'"),
        ("[encoding]\nn_thresholds = 2", "", "n_thresholds: found 2"),
        ("[encoding]\nn_thresholds = 50", "", "encoding: found 100 channels, expected 80"),
        ("[encoding]\nthresholds = 40", "", "encoding: found fields .*'thresholds'"),
        ("class_names = ['a', 'b']", "", "class_names: found 2, expected 10"),
        ("task = ", "", "expected TOML"),
    ],
)
def test_a_wrong_config_is_named_by_file_and_field(folder, config, where, problem):
    path = folder / "config.toml"
    path.write_text(config)
    with pytest.raises(FileFormatError, match=problem) as caught:
        nxsdk.read(folder, path)
    assert (caught.value.path, caught.value.where) == (str(path), where)


def test_sizes_of_the_config_that_do_not_fit_are_told(folder):
    (folder / "config.toml").write_text("[ahp]\nn_neurons = 60")
    with pytest.raises(FileFormatError, match="expected .80, 200.: .* 140 regular and 60 AHP"):
        nxsdk.read(folder, folder / "config.toml")


def test_an_import_that_fails_leaves_no_file_and_is_one_line(folder, capsys, tmp_path):
    out = tmp_path / "a.net"
    for arguments in ([folder / "nowhere"], [folder, "--config", folder / "no.toml"]):
        assert main(["import-nxsdk", *map(str, arguments), "--out", str(out)]) == 2
        shown = capsys.readouterr()
        assert shown.out == "" and shown.err.count("\n") == 1
        assert "found no such" in shown.err
    assert not out.exists()
