"""The commands that say what a network costs: what they print is what Python gives."""

import json

import pytest
from networks import digits_network, relational_network

from lava_ahp import cli, cost, netx, relational
from lava_ahp.cli import main
from lava_ahp.hardware import place


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "net.net"
    netx.write(digits_network(), path)
    return str(path)


@pytest.fixture
def call(capfd, monkeypatch):
    """Run a command line in this process: exit code, standard output, standard error."""
    # However slow the machine: no line of progress comes between.
    monkeypatch.setattr(cli, "SECONDS_BETWEEN_LINES", float("inf"))

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


@pytest.mark.parametrize("target", ["loihi1", "loihi2"])
def test_place_counts_the_cores_of_every_copy_of_a_relational_network(call, tmp_path, target):
    network = relational_network(tasks=(1,))
    relational.write(network, tmp_path / "net", {})
    found = json.loads(call("place", tmp_path / "net", "--target", target, "--json")[1])
    scale = network.scale(1)
    for name, part in found["parts"].items():
        alone = place(network.parts(1)[name], target)
        # so small a part shares its core, and no core holds more than its fullest resource allows
        fullest = max(float(used[0]) for used in alone.fractions.values())
        assert alone.n_cores == 1 and part["copies"] == scale[name]["copies"]
        assert (part["cores"] - 1) * int(1 / fullest) < part["copies"]
        assert part["copies"] * fullest <= part["cores"]
    assert found["cores"] == sum(part["cores"] for part in found["parts"].values())
    assert found["chips"] == -(-found["cores"] // 128)


def test_place_refuses_to_measure_a_relational_network(call, tmp_path):
    relational.write(relational_network(tasks=(1,)), tmp_path / "net", {})
    code, out, err = call("place", tmp_path / "net", "--measure", "5")
    assert code == 2 and out == "" and "--measure" in err
