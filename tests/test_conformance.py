"""Recorded vectors belong to the networks that are shipped, reach the edges, and find faults."""

import h5py
import numpy as np
import pytest
from reference import naive_neuron

from lava_ahp import conformance, netx_models
from lava_ahp.cli import main
from lava_ahp.conformance import FOLDER, NEURONS, check, make, names, read, shipped
from lava_ahp.dynamics import STATE_MAX
from lava_ahp.errors import FileFormatError, ParameterError
from lava_ahp.neuron import RANGES


def test_there_are_vectors_of_single_neurons_and_of_every_shipped_network():
    assert names() == sorted([NEURONS, *shipped()])
    assert {*netx_models.names()} < {*names()} and "babi/sentence" in names()


def test_vectors_belong_to_the_networks_as_they_are_shipped_and_the_engine_conforms():
    # a network that was trained again needs: lava-ahp conformance make
    for outcome in check("engine"):
        assert outcome.conforms, (outcome.name, outcome.comparison.first)
        assert outcome.comparison.n_values > 10_000


@pytest.mark.parametrize(
    "name", [NEURONS, *(pytest.param(n, marks=pytest.mark.slow) for n in shipped())]
)
def test_lava_conforms(name):
    pytest.importorskip("lava.magma")
    (outcome,) = check("lava", [name])
    assert outcome.conforms, outcome.comparison.first


def test_all_vectors_together_are_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 4e6


def test_vectors_made_again_are_the_same(tmp_path):
    make(tmp_path, [NEURONS])
    ours, theirs = read(NEURONS), read(NEURONS, tmp_path)
    assert ours.network.fingerprint() == theirs.network.fingerprint()
    assert np.array_equal(ours.inputs, theirs.inputs)
    assert np.array_equal(ours.expected.v[NEURONS], theirs.expected.v[NEURONS])


def test_single_neurons_reach_the_ends_of_their_ranges_and_of_their_states():
    vectors = read(NEURONS)
    parameters = vectors.network.layers[0].neuron.arguments()
    for name, (low, high) in RANGES.items():
        assert {low, high} <= set(parameters[name].tolist()), name
    states = vectors.expected
    assert states.v[NEURONS].min() == -STATE_MAX and states.v[NEURONS].max() == STATE_MAX
    assert states.a[NEURONS].min() == -STATE_MAX
    assert np.abs(np.diff(states.u[NEURONS].astype(int), axis=1)).max() > STATE_MAX, "wraps"
    assert (states.spike_counts[NEURONS].sum(axis=0) > 0).mean() > 0.5


def test_single_neurons_are_those_of_an_independent_derivation():
    vectors = read(NEURONS)
    layer = vectors.network.layers[0]
    for neuron in range(layer.n_neurons):
        parameters = {k: int(v[neuron]) for k, v in layer.neuron.arguments().items()}
        for sample, inputs in enumerate(vectors.inputs[:, :, neuron].tolist()):
            trace = naive_neuron(inputs, parameters)
            for variable in ("u", "a", "v"):
                recorded = getattr(vectors.expected, variable)[NEURONS][sample, :, neuron]
                assert recorded.tolist() == getattr(trace, variable), (neuron, variable)
            assert vectors.expected.spikes[NEURONS][sample, :, neuron].tolist() == trace.s


@pytest.fixture
def folder(tmp_path):
    make(tmp_path, [NEURONS, "digits"])
    return tmp_path


def test_the_first_difference_is_named_by_step_neuron_and_variable(folder, capfd):
    with h5py.File(folder / "digits.h5", "r+") as file:
        for variable, place in (("v", (0, 41, 17)), ("a", (0, 60, 300)), ("u", (1, 3, 2))):
            file[f"states/hidden/{variable}"][place] += 1
    (outcome,) = check("engine", ["digits"], folder)
    first = outcome.comparison.first
    assert outcome.comparison.n_differences == 3
    assert (first.sample, first.step, first.neuron, first.variable) == (0, 41, 17, "v")
    assert main(["conformance", "check", "--folder", str(folder)]) == 1
    out = capfd.readouterr().out
    assert "digits on engine: " in out and "v of hidden, sample 0, step 41, neuron 17: " in out
    assert "neurons on engine: " in out and "0 differences\n" in out


def test_vectors_of_another_network_are_refused(folder):
    with h5py.File(folder / "digits.h5", "r+") as file:
        file.attrs["fingerprint"] = "0" * 64
    with pytest.raises(FileFormatError, match="lava-ahp conformance make digits"):
        check("engine", folder=folder)


@pytest.mark.parametrize("damage", ["cut", "field", "version", "missing"])
def test_damaged_vectors_are_named(folder, damage):
    path = folder / "digits.h5"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "missing":
        path.unlink()
    else:
        with h5py.File(path, "r+") as file:
            if damage == "field":
                del file["states/hidden/a"]
            else:
                file.attrs["lavaAhpConformance"] = 9
    with pytest.raises(FileFormatError, match=r"digits\.h5"):
        check("engine", ["digits"], folder)


def test_a_backend_or_folder_without_vectors_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="backend: found 'loihi1'"):
        check("loihi1")
    with pytest.raises(ParameterError, match="vectors: found none"):
        check("engine", folder=tmp_path)


def test_commands_make_and_check(tmp_path, capfd):
    assert main(["conformance", "make", "neurons", "--out", str(tmp_path)]) == 0
    assert f"vectors: {tmp_path / 'neurons.h5'}" in capfd.readouterr().out
    assert main(["conformance", "check", "--folder", str(tmp_path)]) == 0
    n = conformance.read(NEURONS).inputs.size
    assert f"neurons on engine: {4 * n + n // 100:,} values, 0 differences" in capfd.readouterr().out
    assert main(["conformance", "make", "no-such-network", "--out", str(tmp_path)]) == 2
