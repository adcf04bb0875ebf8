"""Deployment picks what is there, gives what the simulator gives, and says what is missing.

Lava's backend for Loihi 2 is not here, so these tests stand for its absence.
"""

import json

import numpy as np
import pytest
from networks import digits_network, mild_digits_network

pytest.importorskip("lava.magma")

from lava.proc.lif.process import LIF  # noqa: E402

from lava_ahp import conformance, deploy, netx  # noqa: E402
from lava_ahp.cli import main  # noqa: E402
from lava_ahp.engine import Result, simulate  # noqa: E402
from lava_ahp.errors import BackendError, LavaAHPError, ParameterError  # noqa: E402
from lava_ahp.processes import AHP, Readout, simulate_stock  # noqa: E402
from lava_ahp.processes.ahp.models import PyAHPModelFixed  # noqa: E402
from lava_ahp.processes.readout.models import PyReadoutModelFixed  # noqa: E402
from lava_ahp.tasks import digits  # noqa: E402


@pytest.fixture(scope="module")
def inputs():
    return (np.random.default_rng(0).random((2, 20, 34)) < 0.1).astype(np.uint8)


@pytest.fixture
def clean():
    """Nothing registered, before and after."""
    kept = dict(deploy._models)
    deploy._models.clear()
    yield
    deploy._models.clear()
    deploy._models.update(kept)


@pytest.mark.parametrize("target", ["auto", "simulator"])
def test_without_loihi_2_a_network_runs_in_the_simulator(target, inputs, tmp_path):
    network = digits_network()
    path = tmp_path / "net.net"
    netx.write(network, path)
    assert not deploy.is_available()
    found = deploy.run(path, inputs, target, record=("v",))
    expected = simulate(network, inputs, record=("v",))
    assert isinstance(found, Result)
    assert np.array_equal(found.output, expected.output)
    assert np.array_equal(found.v["hidden"], expected.v["hidden"])


def test_the_stock_form_runs_by_the_same_call(inputs):
    network = mild_digits_network()
    found = deploy.run(network, inputs, form="stock", record=("spikes",))
    expected = simulate_stock(network, inputs, 20, record=("spikes",))
    assert np.array_equal(found.spikes["hidden"], expected.spikes["hidden"])
    assert np.array_equal(found.output, expected.output)


@pytest.mark.parametrize("form", deploy.FORMS)
def test_loihi_2_that_is_not_there_is_a_clear_error(form, inputs):
    with pytest.raises(BackendError, match="Lava finds no backend for Loihi 2"):
        deploy.run(digits_network(), inputs, "loihi2", form)
    assert issubclass(BackendError, LavaAHPError)


@pytest.mark.parametrize("node", [{"partition": "oheogulch"}, {"board": "b"}, {"generation": "N3B3"}])
def test_a_node_without_loihi_2_is_a_clear_error(node, inputs):
    with pytest.raises(BackendError, match=next(iter(node))):
        deploy.run(digits_network(), inputs, **node)


def test_a_node_that_lava_does_not_find_is_a_clear_error():
    with pytest.raises(BackendError, match="Lava-Loihi is not installed"):
        deploy._choose_node("oheogulch", None, "N3B3")
    with pytest.raises(ParameterError, match="generation: found 'N9'"):
        deploy._choose_node(None, None, "N9")


def test_models_that_are_missing_are_named_until_they_are_registered(clean):
    network = digits_network()
    assert deploy.missing_models(network) == [AHP, Readout]
    with pytest.raises(BackendError, match="AHP, Readout: .*deploy.register.*form='stock'"):
        deploy._check_models(network)
    # any ProcessModel will do for the book-keeping
    deploy.register(AHP, PyAHPModelFixed)
    assert deploy.missing_models(network) == [Readout]
    deploy.register(Readout, PyReadoutModelFixed)
    deploy._check_models(network)


@pytest.mark.parametrize(
    "process, model", [(LIF, AHP), (AHP, "model"), (PyAHPModelFixed, PyAHPModelFixed), (AHP, None)]
)
def test_what_is_no_process_or_model_is_not_registered(process, model, clean):
    with pytest.raises(ParameterError, match="expected a subclass of Abstract"):
        deploy.register(process, model)
    assert not deploy._models


def test_parts_of_the_closed_package_that_are_missing_are_named():
    with pytest.raises(BackendError, match="embedded_io.spike: found no PyToNxAdapter"):
        deploy._closed("lava.proc.embedded_io.spike", "PyToNxAdapter")


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"target": "loihi1"}, "target: found 'loihi1'"),
        ({"form": "float"}, "form: found 'float'"),
        ({"inputs": []}, "inputs: found no samples"),
        ({"form": "stock", "record": ("v",)}, "record"),
    ],
)
def test_bad_arguments_are_refused(wrong, told, inputs):
    with pytest.raises(ParameterError, match=told):
        deploy.run(mild_digits_network(), **{"inputs": inputs, **wrong})


def test_conformance_of_loihi_2_says_that_it_is_not_there(capfd):
    with pytest.raises(BackendError):
        conformance.check("loihi2", [conformance.NEURONS])
    assert main(["conformance", "check", "--backend", "loihi2"]) == 2
    assert "error: target: found 'loihi2'" in capfd.readouterr().err


def test_eval_runs_the_stock_form_on_lava_and_refuses_it_in_the_engine(tmp_path, capfd):
    netx.write(mild_digits_network(), tmp_path / "net.net")
    command = ["eval", str(tmp_path / "net.net"), "--form", "stock", "--limit", "2", "--json"]
    assert main([*command, "--backend", "lava"]) == 0
    found = json.loads(capfd.readouterr().out)
    samples = digits.load("test").first(2)
    expected = simulate_stock(mild_digits_network(), samples.spikes, 72)
    assert found["n_correct"] == np.sum(expected.predictions == samples.labels)
    assert found["firing_rate"] == pytest.approx(expected.spike_counts["hidden"].sum() / 2 / 72 / 11)
    assert main(command) == 2
    assert "form: found 'stock' in the engine" in capfd.readouterr().err
    assert main([*command, "--backend", "loihi2"]) == 2
