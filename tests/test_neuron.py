"""Parameters of a neuron: ranges, rounding, and what is left of a time constant."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_ahp import AHPParameters, FixedAHPParameters
from lava_ahp.errors import ParameterError
from lava_ahp.neuron import RANGES, VTH_NEVER


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_taken_and_what_lies_beyond_is_not(name):
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(FixedAHPParameters(**{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ParameterError, match=rf"{name}: found {value}, expected .*{high}"):
            FixedAHPParameters(**{name: value})


def test_ranges_are_those_of_the_hardware_words():
    """Decays of 12 bits and one, a threshold of 17, a weight of 8, a bias of 13 with sign."""
    assert RANGES["dv"] == RANGES["da"] == (0, 4096)
    assert RANGES["du"] == (-1, 4095)
    assert RANGES["vth"] == (0, 131071)
    assert RANGES["ahp_mant"] == (0, 255)
    assert RANGES["bias_mant"] == (-4096, 4095)


def test_the_threshold_that_lava_dl_writes_for_integrators_is_taken():
    assert FixedAHPParameters(vth=VTH_NEVER).vth == 262143
    with pytest.raises(ParameterError, match="vth"):
        FixedAHPParameters(vth=VTH_NEVER - 1)


def test_an_error_names_the_neuron():
    with pytest.raises(ParameterError, match="dv: found 5000 at neuron 2"):
        FixedAHPParameters(dv=np.array([1, 2, 5000]))


@pytest.mark.parametrize("value", [1.0, True, "7", np.array([1.5, 2.0])])
def test_hardware_values_must_be_integers(value):
    with pytest.raises(ParameterError, match="dv: found .* expected integers"):
        FixedAHPParameters(dv=value)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ParameterError, match="shapes"):
        FixedAHPParameters(dv=np.array([1, 2]), da=np.array([1, 2, 3]))
    with pytest.raises(ParameterError, match=r"for 4 neurons, expected scalars or shape \(4,\)"):
        FixedAHPParameters(dv=np.array([1, 2])).broadcast(4)


def test_broadcast_gives_each_neuron_a_value_of_its_own():
    wide = FixedAHPParameters(dv=3, vth=np.array([1, 2])).broadcast(2)
    assert wide.dv.tolist() == [3, 3] and wide.vth.tolist() == [1, 2]
    wide.dv[0] = 9
    assert wide.dv[1] == 3


@pytest.mark.parametrize(
    "field, value",
    [
        ("tau_v", 0.5),
        ("tau_u", float("nan")),
        ("threshold", -1.0),
        ("threshold", float("inf")),
        ("ahp_strength", -0.1),
        ("bias", float("nan")),
        ("refractory_period", 1.5),
        ("tau_a", "20"),
    ],
)
def test_natural_parameters_out_of_range_are_refused_by_name(field, value):
    with pytest.raises(ParameterError, match=f"{field}: found"):
        AHPParameters(**{field: value})


@given(st.floats(1, 8192))
def test_a_decay_is_the_nearest_of_4096_and_halves_go_up(tau):
    exact = Fraction(4096) / Fraction(tau)
    nearest = int(exact + Fraction(1, 2))
    decay = AHPParameters(tau_v=tau).quantise().dv
    # the division of floats may tip an exact half
    assert decay == nearest or abs(exact + Fraction(1, 2) - round(exact + Fraction(1, 2))) < 1e-9


@pytest.mark.parametrize("name, field", [("tau_u", "du"), ("tau_v", "dv"), ("tau_a", "da")])
def test_quantised_decays_of_known_time_constants(name, field):
    offset = 1 if field == "du" else 0
    for tau, decay in ((1, 4096), (2, 2048), (20, 205), (700, 6), (819.2, 5), (np.inf, 0)):
        fixed = AHPParameters(**{name: tau}).quantise()
        assert getattr(fixed, field) == decay - offset


def test_a_time_constant_that_would_never_decay_is_refused_unless_it_is_infinite():
    assert AHPParameters(tau_a=8192).quantise().da == 1
    with pytest.raises(ParameterError, match="tau_a: found 9000.0, expected at most 8192"):
        AHPParameters(tau_a=9000.0).quantise()


def test_time_constants_say_what_rounding_has_left():
    """tau 700 is decay 5 by truncation, 819 steps, and 6 by rounding, 683 steps."""
    taus = FixedAHPParameters(du=4095, dv=0, da=np.array([5, 6])).time_constants()
    assert taus["tau_u"] == 1
    assert taus["tau_v"] == np.inf
    assert taus["tau_a"].round(1).tolist() == [819.2, 682.7]


@given(
    # the largest that the finest exponent has room for, where rounding costs half a unit
    st.floats(0.01, 255 / 64, allow_nan=False),
)
def test_ahp_strength_is_kept_as_finely_as_the_hardware_can(strength):
    fixed = AHPParameters(ahp_strength=strength).quantise()
    jump = fixed.ahp_mant << (6 + fixed.ahp_exp)
    step = 1 << (6 + fixed.ahp_exp)
    assert abs(jump - strength * 4096) <= step / 2
    # one exponent less would not have had room, or there is none
    assert fixed.ahp_exp == -6 or round(strength * 4096 / (step // 2)) > 255


@pytest.mark.parametrize("strength", [1e-5, 1e6])
def test_ahp_strength_that_no_mantissa_holds_is_refused(strength):
    with pytest.raises(ParameterError, match="ahp_strength: found .* in units of the state"):
        AHPParameters(ahp_strength=strength).quantise()


def test_bias_keeps_its_sign_and_its_size():
    fixed = AHPParameters(bias=np.array([0.25, -0.25, 0.0, 10.0])).quantise()
    assert fixed.coefficients().bias.tolist() == [1024, -1024, 0, 40960]


def test_a_negative_bias_exponent_shifts_right_rounding_down():
    c = FixedAHPParameters(bias_mant=np.array([7, -7]), bias_exp=-1).coefficients()
    assert c.bias.tolist() == [3, -4]


def test_effective_leads_back_to_what_was_quantised():
    natural = AHPParameters(
        tau_u=2, tau_v=16, tau_a=512, threshold=1.5, ahp_strength=0.25, refractory_period=2, bias=0.5
    )
    back = natural.quantise().effective()
    for name in ("tau_u", "tau_v", "tau_a", "threshold", "ahp_strength", "refractory_period", "bias"):
        assert getattr(back, name) == getattr(natural, name), name


@given(
    st.integers(0, 4095), st.integers(1, 4096), st.integers(1, 4096), st.integers(0, 1000),
    st.integers(0, 255), st.integers(-6, 7),
)  # fmt: skip
def test_quantising_what_integers_stand_for_gives_the_same_neuron(du, dv, da, vth, mant, exp):
    fixed = FixedAHPParameters(du=du, dv=dv, da=da, vth=vth, ahp_mant=mant, ahp_exp=exp)
    again = fixed.effective().quantise()
    for one, other in zip(fixed.coefficients(), again.coefficients()):
        assert one == other


def test_float_arguments_are_fractions_and_fixed_ones_integers():
    natural = AHPParameters(tau_u=2, tau_v=20, tau_a=100, ahp_strength=0.5)
    floats = natural.arguments("floating_pt")
    assert (floats["du"], floats["dv"], floats["da"]) == (0.5, 0.05, 0.01)
    assert floats["ahp_mant"] == 0.5
    fixed = natural.arguments("fixed_pt")
    assert (fixed["du"], fixed["dv"], fixed["da"]) == (2047, 205, 41)
    with pytest.raises(ParameterError, match="tag: found 'float'"):
        natural.arguments("float")


def test_in_exp_leaves_the_threshold_in_place():
    fixed = AHPParameters().quantise(weight_scale=508, in_exp=2)
    assert (fixed.vth, fixed.in_exp) == (508, 2)
    assert fixed.coefficients().in_shift == 8


def test_is_ahp_tells_which_neurons_have_a_current():
    assert FixedAHPParameters(ahp_mant=np.array([0, 1])).is_ahp.tolist() == [False, True]


def test_a_bias_below_half_a_unit_vanishes_and_an_ahp_strength_does_not():
    assert AHPParameters(bias=0.4 / 4096).quantise().bias_mant == 0
    assert AHPParameters(bias=0.6 / 4096).quantise().bias_mant == 1
    with pytest.raises(ParameterError, match="ahp_strength"):
        AHPParameters(ahp_strength=0.4 / 4096).quantise()
    with pytest.raises(ParameterError, match="bias"):
        AHPParameters(bias=1000.0).quantise()
