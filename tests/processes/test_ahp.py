"""The AHP Process against stock LIF, a naive derivation, and its own two compartments."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("lava.magma")

from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.proc.lif.process import LIF, LIFRefractory, LIFReset  # noqa: E402
from lava_runs import feed, record  # noqa: E402
from reference import naive_neuron  # noqa: E402

from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.neuron import RANGES, AHPParameters  # noqa: E402
from lava_ahp.processes import AHP  # noqa: E402
from lava_ahp.processes.ahp.models import PyAHPModelFixed, TwoCompartmentModel  # noqa: E402

N_STEPS = 40
LIF_INPUT_MAX = 2**18 - 1
"""Largest input with which stock LIF stays within the 24 bits of its current."""

# Lava runs are slow: few examples, and none spent on shrinking.
few = settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
seeds = st.integers(0, 2**32 - 1)


def integers(name):
    return st.integers(*RANGES[name])


def random_input(seed, n, largest):
    """Inputs of all sizes up to `largest`, of both signs, and long runs of one sign."""
    rng = np.random.default_rng(seed)
    size = largest ** rng.uniform(0.3, 1, (N_STEPS, n))
    sign = np.where(rng.random(n) < 0.5, rng.choice([-1, 1], (N_STEPS, n)), rng.choice([-1, 1], n))
    return (sign * size).astype(int)


def naive(x, parameters, **kwargs):
    """Traces of neurons with one value per neuron; arrays (time, neuron) by state."""
    traces = [
        naive_neuron(x[:, i], {k: value[i] for k, value in parameters.items()}, **kwargs)
        for i in range(x.shape[1])
    ]
    values = {k: np.array([getattr(t, k) for t in traces]).T for k in ("u", "v", "a", "s")}
    return values, traces


def states(process, *names):
    return {name: getattr(process, name) for name in names}


@few
@given(integers("du"), integers("dv"), st.integers(0, 4000), integers("bias_exp"), seeds)
def test_without_ahp_it_equals_stock_lif_in_every_bit(du, dv, vth, bias_exp, seed):
    n = 12
    bias = np.random.default_rng(seed).integers(*RANGES["bias_mant"], n)
    x = random_input(seed, n, LIF_INPUT_MAX)
    arguments = dict(shape=(n,), du=du, dv=dv, vth=vth, bias_mant=bias, bias_exp=bias_exp)
    lif, ahp = LIF(**arguments), AHP(**arguments)
    feed(x, lif, ahp)
    got = record(
        {f"{k}_{i}": getattr(p, k) for i, p in enumerate((lif, ahp)) for k in ("u", "v")}, N_STEPS
    )
    np.testing.assert_array_equal(got["u_1"], got["u_0"])
    np.testing.assert_array_equal(got["v_1"], got["v_0"])


def test_equality_with_stock_lif_holds_through_wrap_and_saturation():
    n = 16
    x = random_input(5, n, LIF_INPUT_MAX)
    arguments = dict(du=200, dv=3, vth=131071, bias_mant=-7, bias_exp=5)
    lif, ahp = LIF(shape=(n,), **arguments), AHP(shape=(n,), **arguments)
    feed(x, lif, ahp)
    got = record({"u0": lif.u, "v0": lif.v, "u1": ahp.u, "v1": ahp.v}, N_STEPS)
    full = {name: np.zeros(n, int) for name in RANGES} | {
        k: np.full(n, value) for k, value in arguments.items()
    }
    expected, traces = naive(x, full)
    assert any(t.wraps for t in traces)
    assert any(t.saturations for t in traces)
    assert expected["s"].any()
    for a, b in (("u0", "u1"), ("v0", "v1")):
        np.testing.assert_array_equal(got[b], got[a])
        np.testing.assert_array_equal(got[b], expected[a[0]])


@few
@given(integers("du"), integers("dv"), st.integers(1, 17), st.integers(-20, 40), seeds)
def test_a_reset_that_keeps_input_equals_stock_lifreset_in_every_bit(
    du, dv, interval, offset, seed
):
    n = 8
    x = random_input(seed, n, LIF_INPUT_MAX)
    arguments = dict(
        shape=(n,), du=du, dv=dv, vth=900, reset_interval=interval, reset_offset=offset
    )
    stock, ahp = LIFReset(**arguments), AHP(**arguments, reset_keeps_input=True)
    feed(x, stock, ahp)
    got = record({"u0": stock.u, "v0": stock.v, "u1": ahp.u, "v1": ahp.v}, N_STEPS)
    np.testing.assert_array_equal(got["u1"], got["u0"])
    np.testing.assert_array_equal(got["v1"], got["v0"])


neurons = st.lists(
    st.fixed_dictionaries(
        {
            **{name: integers(name) for name in RANGES},
            "vth": st.one_of(st.integers(0, 500), integers("vth")),
            "refractory_period": st.one_of(st.integers(0, 5), integers("refractory_period")),
            "dv": st.one_of(st.integers(0, 300), integers("dv")),
            "da": st.one_of(st.integers(0, 300), integers("da")),
            "ahp_mant": st.one_of(st.just(255), integers("ahp_mant")),
        }
    ),
    min_size=16,
    max_size=16,
)


@few
@given(neurons, seeds, st.sampled_from([None, 7, 20]), st.integers(0, 30), st.booleans())
def test_fixed_and_two_compartments_equal_a_naive_derivation(
    population, seed, interval, offset, keeps
):
    parameters = {k: np.array([p[k] for p in population]) for k in RANGES}
    n = len(population)
    x = random_input(seed, n, 2**17)
    reset = dict(reset_interval=interval, reset_offset=offset, reset_keeps_input=keeps)
    resets = (
        () if interval is None else [t for t in range(N_STEPS) if (t + 1 - offset) % interval == 0]
    )
    expected, _ = naive(x, parameters, resets=resets, reset_keeps_input=keeps)
    for options in ({"select_tag": "fixed_pt"}, {"select_sub_proc_model": True}):
        ahp = AHP(shape=(n,), **parameters, **reset)
        feed(x, ahp)
        got = record(states(ahp, "u", "v", "a", "s"), N_STEPS, **options)
        for name, values in expected.items():
            np.testing.assert_array_equal(got[name], values, f"{name} with {options}")


def test_the_ahp_current_saturates():
    ahp = AHP(
        shape=(1,), vth=0, dv=4096, du=4095, ahp_mant=255, ahp_exp=7, bias_mant=1, a=-(2**23) + 5
    )
    feed(np.full((4, 1), 2**16, int), ahp)
    got = record(states(ahp, "a", "s"), 4)
    assert got["a"][:, 0].tolist() == [5 - 2**23] * 4
    # The current 2^22 does not outweigh it, so nothing spikes.
    assert not got["s"].any()
    ahp = AHP(shape=(1,), vth=0, dv=4096, du=4095, ahp_mant=255, ahp_exp=7)
    feed(np.full((8, 1), 2**17 - 1, int), ahp)
    got = record(states(ahp, "a", "s"), 8)
    assert got["s"][:, 0].tolist() == [1] * 5 + [0] * 3
    assert got["a"][:, 0].tolist() == [-i * (255 << 13) for i in range(5)] + [1 - 2**23] * 3


@pytest.mark.parametrize(
    "options", [{"select_tag": "fixed_pt"}, {"select_sub_proc_model": True}], ids=str
)
def test_no_ahp_current_however_large_resets_itself(options):
    ahp = AHP(shape=(1,), da=0, a=2**23 - 1)
    feed(np.zeros((3, 1), int), ahp)
    assert record({"a": ahp.a}, 3, **options)["a"][:, 0].tolist() == [2**23 - 1] * 3


def test_a_population_of_two_dimensions_works_in_all_models():
    shape = (2, 3)
    vth = np.arange(6).reshape(shape) * 3
    x = np.arange(1, 7).reshape(shape) * np.ones((20, 1, 1), int)
    spikes = []
    for options in ({"select_tag": "fixed_pt"}, {"select_sub_proc_model": True}):
        ahp = AHP(shape=shape, vth=vth, du=4095, ahp_mant=2, da=10)
        feed(x, ahp)
        spikes.append(record({"s": ahp.s_out}, 20, **options)["s"])
    np.testing.assert_array_equal(spikes[0], spikes[1])
    assert spikes[0].any(axis=0).all()
    assert spikes[0].shape == (20, 2, 3)


def test_a_reset_clears_everything_and_drops_what_arrives():
    def run(x):
        ahp = AHP(
            shape=(1,),
            vth=10,
            du=100,
            dv=0,
            da=10,
            ahp_mant=3,
            refractory_period=6,
            reset_interval=4,
            reset_offset=1,
        )
        feed(x, ahp)
        return record(states(ahp, "u", "v", "a", "s", "hold"), 8)

    x = np.zeros((8, 1), int)
    x[[0, 4]] = 20
    got = run(x)
    assert got["s"][:, 0].tolist() == [0] * 8
    assert not np.any([got[k] for k in got])
    x[[1, 5]] = 20
    got = run(x)
    assert got["s"][:, 0].tolist() == [0, 1, 0, 0, 0, 1, 0, 0]
    assert got["a"][2, 0] < 0 < got["hold"][3, 0]
    for values in got.values():
        np.testing.assert_array_equal(values[:4], values[4:])


def test_float_equals_lavas_float_lif_and_refractory_lif():
    n = 10
    rng = np.random.default_rng(3)
    x = rng.integers(-3, 9, (N_STEPS, n))
    arguments = dict(shape=(n,), du=0.3, dv=0.07, vth=11.5, bias_mant=rng.normal(size=n))
    plain, lif = AHP(**arguments), LIF(**arguments)
    dead = AHP(**arguments, refractory_period=3)
    refractory = LIFRefractory(**arguments, refractory_period=3)
    feed(x, plain, lif, dead, refractory)
    got = record(
        {
            f"{k}{i}": getattr(p, k)
            for i, p in enumerate((plain, lif, dead, refractory))
            for k in ("u", "v")
        },
        N_STEPS,
        select_tag="floating_pt",
    )
    np.testing.assert_array_equal(got["u0"], got["u1"])
    np.testing.assert_array_equal(got["v0"], got["v1"])
    # LIFRefractory adds current and bias first, which rounds another way.
    np.testing.assert_array_equal(got["u2"], got["u3"])
    np.testing.assert_allclose(got["v2"], got["v3"], atol=1e-12)
    assert (got["v0"] != got["v2"]).any()


def test_float_follows_closed_forms():
    dv, da, m = 0.125, 0.25, 0.5
    # Neuron 0 stays below the threshold; neuron 1 spikes once, neuron 2 in every step.
    x = np.zeros((40, 3), int)
    x[:, 0], x[0, 1], x[:, 2] = 1, 100, 100
    ahp = AHP(shape=(3,), du=1.0, dv=dv, da=da, ahp_mant=m, vth=10)
    feed(x, ahp)
    got = record(states(ahp, "v", "a", "s"), 40, select_tag="floating_pt")
    t = np.arange(1, 41)
    np.testing.assert_allclose(got["v"][:, 0], (1 - (1 - dv) ** t) / dv)
    np.testing.assert_allclose(got["a"][1:, 1], -m * (1 - da) ** (t[1:] - 2))
    assert got["s"][:, 1].tolist() == [1] + [0] * 39
    assert got["s"][:, 2].all()
    np.testing.assert_allclose(got["a"][-1, 2], -m / da, rtol=1e-4)


def test_one_set_of_parameters_gives_both_models_the_same_spikes():
    neuron = AHPParameters(
        tau_v=16, tau_a=64, threshold=1, ahp_strength=0.0625, refractory_period=1
    )
    x = np.random.default_rng(0).integers(0, 2, (N_STEPS, 6))
    rates = {}
    for tag, scale in (("floating_pt", 1), ("fixed_pt", 64)):
        ahp = AHP(shape=(6,), **neuron.arguments(tag))
        feed(x * scale, ahp)
        rates[tag] = record({"s": ahp.s_out}, N_STEPS, select_tag=tag)["s"]
    np.testing.assert_array_equal(rates["floating_pt"], rates["fixed_pt"])
    assert 0 < rates["fixed_pt"].mean() < 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"select_tag": "fixed_pt"},
        {"select_tag": "bit_accurate_loihi"},
        {"select_sub_proc_model": True},
        {"select_tag": "fixed_pt", "select_sub_proc_model": True},
        {"exception_proc_model_map": {AHP: PyAHPModelFixed}},
        {"exception_proc_model_map": {AHP: TwoCompartmentModel}},
    ],
    ids=str,
)
def test_every_way_to_choose_a_fixed_model_gives_it(options):
    ahp = AHP(shape=(1,), du=4094, vth=1)
    feed(np.ones((2, 1), int), ahp)
    # Integers: a decay of 4095 of 4096 leaves 64 >> 12 = 0 of the first input.
    assert record({"u": ahp.u}, 2, **options)["u"].tolist() == [[64], [64]]


def test_integers_that_suit_both_models_run_in_both():
    for options in ({"select_tag": "fixed_pt"}, {"select_tag": "floating_pt"}):
        ahp = AHP(shape=(1,), vth=10, du=0, dv=0)
        feed(np.full((8, 1), 4, int), ahp)
        assert record({"s": ahp.s_out}, 8, **options)["s"].any()


def test_states_and_parameters_can_be_read_and_set_during_a_run():
    ahp = AHP(shape=(2,), vth=100, du=4095, dv=0, v=np.array([6, 7]))
    feed(np.full((9, 2), 10, int), ahp)
    try:
        ahp.run(condition=RunSteps(1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        assert ahp.v.get().tolist() == [646, 647]
        assert ahp.vth.get().tolist() == [100]
        ahp.vth.set(np.array([15]))
        ahp.v.set(np.array([0, 330]))
        ahp.run(condition=RunSteps(1))
        assert ahp.v.get().tolist() == [640, 0]
    finally:
        ahp.stop()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"du": 4096}, "du: found 4096, expected an integer from -1 to 4095"),
        ({"dv": -1}, "dv: found -1"),
        ({"ahp_mant": 256}, "ahp_mant: found 256"),
        (
            {"vth": np.array([1, 2, 3])},
            r"vth: found shape \(3,\), expected one number or shape \(2,\)",
        ),
        ({"vth": np.nan}, "vth: found nan"),
        ({"dv": 1.5, "vth": 1.0}, "dv: found 1.5, expected a number from 0 to 1"),
        ({"da": -0.5}, "da: found -0.5"),
        ({"refractory_period": 1.5}, "refractory_period: found 1.5, expected integers"),
        ({"v": 2**23}, "v: found 8388608"),
        ({"u": "no"}, "u: found 'no', expected numbers"),
        ({"reset_interval": 0}, "reset_interval: found 0"),
        ({"reset_interval": 2.5}, "reset_interval: found 2.5"),
        ({"reset_offset": None}, "reset_offset: found None"),
        ({"shape": 2}, "shape: found 2, expected a tuple"),
        ({"shape": (0,)}, "shape: found"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_at_the_door(arguments, message):
    with pytest.raises(ParameterError, match=message):
        AHP(**{"shape": (2,)} | arguments)


@pytest.mark.parametrize(
    "options", [{"select_tag": "fixed_pt"}, {"select_sub_proc_model": True}], ids=str
)
def test_fractions_are_not_rounded_by_a_fixed_model(options):
    ahp = AHP(shape=(1,), du=0.5, dv=0.25)
    with pytest.raises(ParameterError, match="du, dv: found fractions, expected integers"):
        record({"u": ahp.u}, 2, **options)


def test_hardware_decays_are_refused_by_the_float_model():
    ahp = AHP(shape=(1,), du=4095, dv=204)
    with pytest.raises(ParameterError, match="du: found 4095"):
        record({"u": ahp.u}, 2, select_tag="floating_pt")
