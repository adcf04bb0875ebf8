"""The stock form says what each stock part is given, and refuses what they cannot do."""

from dataclasses import replace

import numpy as np
import pytest
from networks import mild_digits_network

from lava_ahp.errors import ParameterError
from lava_ahp.stock import populations, with_few_decays
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters


def network(n=12, **neuron):
    """One layer, AHP neurons unless told otherwise."""
    given = {"du": 4095, "dv": 200, "da": 20, "vth": 64, "ahp_mant": 100, "ahp_exp": -4} | neuron
    return NetworkSpec(
        (Layer("a", n, FixedAHPParameters(**given), Connection(np.eye(n, dtype=int) * 8)),)
    )


def test_every_neuron_lies_in_one_population_with_its_own_numbers():
    spec = mild_digits_network()
    found = populations(spec)
    for index, layer in enumerate(spec.layers):
        own = [p for p in found if p.layer == index]
        neurons = np.concatenate([p.neurons for p in own])
        assert np.array_equal(np.sort(neurons), np.arange(layer.n_neurons))
        given = layer.neuron.broadcast(layer.n_neurons)
        for p in own:
            assert set(given.dv[p.neurons]) == {p.dv} and set(given.du[p.neurons]) == {p.du}
            assert set(given.vth[p.neurons] << p.shift) == {p.vth}
            assert set(given.in_exp[p.neurons] + p.shift) == {p.weight_exp}
            assert (p.ahp is not None) == bool(given.ahp_mant[p.neurons].any())


def test_units_are_as_fine_as_leaves_room_for_32_thresholds():
    # 2^23 / 32 thresholds of 64 << 6 leave 6 bits, of 508 << 6 three
    assert populations(network(vth=64))[0].shift == 6
    assert populations(network(vth=508))[0].shift == 3
    assert populations(network(vth=508, ahp_mant=0))[0].shift == 0


def test_decrements_of_several_exponents_come_to_one():
    exps = np.where(np.arange(12) < 6, -4, -3)
    (found,) = populations(network(ahp_mant=50, ahp_exp=exps))
    assert np.array_equal(found.ahp.mant * 2.0**found.ahp.exp, 50 * 2.0**exps)
    with pytest.raises(ParameterError, match="ahp_mant"):
        populations(network(ahp_mant=200, ahp_exp=exps))


@pytest.mark.parametrize("exp", [0, 3, np.where(np.arange(12) < 6, 0, 2)])
def test_biases_are_the_same_voltage_in_finer_units(exp):
    spec = network(bias_mant=np.arange(-5, 7) * 9, bias_exp=exp, vth=508)
    given = spec.layers[0].neuron.broadcast(12).coefficients().bias
    (found,) = populations(spec)
    assert np.array_equal(found.bias_mant * 2.0**found.bias_exp, given * 2.0**found.shift)


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"refractory_period": 2}, "refractory_period"),
        ({"du": 2000}, "du: found 2000 in AHP neurons"),
        ({"dv": np.arange(100, 120)}, "20 different decays"),
        ({"da": 0}, "AHP current of up to"),
        ({"bias_mant": 4000, "bias_exp": 7}, "bias"),
    ],
)
def test_what_stock_parts_cannot_do_is_refused(wrong, told):
    with pytest.raises(ParameterError, match=told):
        populations(network(20, **wrong))


def test_graded_input_is_refused():
    with pytest.raises(ParameterError, match="graded_input"):
        populations(replace(network(), graded_input=True))


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_decays_become_few_and_each_stays_near(n):
    random = np.random.default_rng(n)
    centres = 100 * 2 ** np.arange(n)
    decays = np.resize(centres, 300) + random.integers(-3, 4, 300)
    made = with_few_decays(network(300, dv=decays), n).layers[0].neuron.dv
    assert len(np.unique(made)) <= n
    assert np.abs(np.log(made / decays)).max() < 0.1


def test_few_decays_are_kept():
    spec = network(dv=np.where(np.arange(12) < 6, 100, 900))
    assert with_few_decays(spec, 2).fingerprint() == spec.fingerprint()
    assert with_few_decays(network(), 1).fingerprint() == network().fingerprint()
