"""The commands that say what a network costs: what they print is what Python gives."""

import json

import pytest
from networks import digits_network

from lava_ahp import cost, netx
from lava_ahp.cli import main


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "net.net"
    netx.write(digits_network(), path)
    return str(path)


@pytest.fixture
def call(capfd):
    """Run a command line in this process: exit code, standard output, standard error."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return call


@pytest.mark.parametrize("target", ["loihi1", "loihi2"])
def test_place_json_is_what_the_call_of_python_gives(call, net, target):
    code, out, err = call("place", net, "--target", target, "--rate", 0.1, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(json.dumps(cost.placement(net, target, 0.1).to_dict()))


def test_place_prints_cores_use_limits_and_sources(call, net):
    code, out, _ = call("place", net)
    placed = cost.placement(net)
    assert code == 0
    assert f"cores           {placed.n_cores}" in out
    assert placed.n_cores == 2 and "6 hidden" in out and "5 hidden" in out
    assert "0.05 spikes per neuron and step, given" in out
    assert "Davies et al." in out


def test_place_measures_the_activity_on_samples(call, net):
    code, out, _ = call("place", net, "--measure", 3, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["input_spikes"] == pytest.approx(cost.placement(net, measure=3).input_traffic.sum())
    assert found["input_spikes"] != cost.placement(net).input_traffic.sum()


def test_place_draws_a_picture(call, net, tmp_path):
    assert call("place", net, "--out", tmp_path / "new" / "p.png")[0] == 0
    assert (tmp_path / "new" / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments", [("--target", "loihi3"), ("--rate", "-1"), ("--measure", "0"), ("--rate", "nan")]
)
def test_place_refuses_bad_values_in_one_line(call, net, arguments):
    code, out, err = call("place", net, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1


def test_energy_json_has_an_interval_for_each_quantity(call, net):
    code, out, err = call("energy", net, "--limit", 4, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    for name in ("core_dynamic_J", "core_static_J", "core_J", "total_J", "seconds", "edp_Js"):
        assert set(found[name]) == {"estimate", "low", "high", "basis"}
    assert found["n_samples"] == 4 and found["n_steps"] == 72
    assert [entry["batch"] for entry in found["lstm"]] == [1, 64]
    assert all(figure["source"] for figure in found["figures"].values())


def test_energy_prints_counts_intervals_and_sources(call, net):
    code, out, _ = call("energy", net, "--limit", 4)
    assert code == 0
    for text in ("synaptic events", "23.6 pJ", "core dynamic", "LSTM, 64", "Davies et al."):
        assert text in out


@pytest.mark.parametrize("arguments", [("--limit", "0"), ("--split", "no"), ("--cpu-watts", "0")])
def test_energy_refuses_bad_values_in_one_line(call, net, arguments):
    code, out, err = call("energy", net, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
