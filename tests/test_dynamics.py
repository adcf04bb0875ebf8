"""The one definition of the arithmetic, against plain Python integers and closed forms."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import naive_neuron, saturate, shrink, wrap

import lava_ahp.engine.compiled  # noqa: F401  the arithmetic, for Numba
from lava_ahp import dynamics
from lava_ahp.dynamics import FixedCoefficients, FloatCoefficients, State, resting_state
from lava_ahp.neuron import RANGES, FixedAHPParameters

TWO_23 = 2**23
EDGES = (0, 1, -1, 4095, -4096, TWO_23 - 1, TWO_23, TWO_23 + 1, -TWO_23 + 1, -TWO_23, -TWO_23 - 1)

states = st.one_of(st.sampled_from(EDGES), st.integers(-TWO_23, TWO_23))
decays = st.one_of(st.sampled_from((0, 1, 5, 4095, 4096)), st.integers(0, 4096))
# what a step can add up to before it is wrapped or saturated, and more
sums = st.one_of(st.sampled_from(EDGES), st.integers(-(2**40), 2**40))


def by_numpy(function, *values):
    """The function applied to arrays of one value."""
    return int(function(*(np.array([value], np.int64) for value in values))[0])


def by_torch(function, *values):
    torch = pytest.importorskip("torch")
    return int(function(*(torch.tensor([value], dtype=torch.int64) for value in values))[0])


def by_numba(function, *values):
    numba = pytest.importorskip("numba")
    compiled = COMPILED.setdefault(function.__name__, numba.njit(function))
    return int(compiled(*map(np.int64, values)))


COMPILED = {}
carriers = pytest.mark.parametrize("carried", [by_numpy, by_torch, by_numba])


@carriers
@settings(deadline=None)
@given(states, decays)
def test_decay_truncates_the_magnitude(carried, x, d):
    assert carried(dynamics.decay, x, d) == shrink(x, d)


@carriers
@settings(deadline=None)
@given(sums)
def test_wrap24_stays_in_24_bits_and_keeps_the_value_modulo_two_to_the_24(carried, x):
    wrapped = carried(dynamics.wrap24, x)
    assert -TWO_23 < wrapped <= TWO_23
    assert (wrapped - x) % (2 * TWO_23) == 0


@carriers
@settings(deadline=None)
@given(sums)
def test_sat24_clips(carried, x):
    assert carried(dynamics.sat24, x) == min(max(x, -(TWO_23 - 1)), TWO_23 - 1)


def test_reference_wrap_and_saturation_agree_on_the_edges():
    for x in EDGES:
        assert by_numpy(dynamics.wrap24, x) == wrap(x)[0]
        assert by_numpy(dynamics.sat24, x) == saturate(x)[0]


def test_a_negative_state_decays_as_slowly_as_a_positive_one():
    """Rounding down instead would let a negative state stand still at -1 or creep by one."""
    x = np.arange(-5000, 5001)
    for d in (1, 5, 204, 4095):
        assert np.array_equal(dynamics.decay(-x, d), -dynamics.decay(x, d))


parameters = st.fixed_dictionaries({name: st.integers(*bounds) for name, bounds in RANGES.items()})
# strong enough to spike, weak enough to let v and a wander
lively = st.fixed_dictionaries(
    {
        "du": st.sampled_from((-1, 0, 409, 2047, 4095)),
        "dv": st.sampled_from((0, 5, 204, 4096)),
        "da": st.sampled_from((0, 5, 100, 4096)),
        "vth": st.integers(0, 300),
        "ahp_mant": st.integers(0, 255),
        "ahp_exp": st.integers(-6, 3),
        "in_exp": st.integers(-2, 3),
        "refractory_period": st.integers(0, 3),
        "bias_mant": st.integers(-200, 200),
        "bias_exp": st.integers(-8, 7),
    }
)
inputs = st.lists(st.integers(-255 * 300, 255 * 300), min_size=1, max_size=30)
weak_inputs = st.lists(st.integers(-200, 300), min_size=1, max_size=60)
cases = st.one_of(st.tuples(parameters, inputs), st.tuples(lively, weak_inputs))


def run(step, convert, values, x):
    """The states of one neuron over time, by the given step on the given kind of number."""
    c = FixedAHPParameters(**values).coefficients()
    c = FixedCoefficients(*(convert(int(value)) for value in c))
    state, trace = resting_state(convert(0)), []
    for value in x:
        state = step(convert(value), state, c)
        trace.append(tuple(int(part) for part in (state.u, state.v, state.a, state.s)))
    return trace


def expected(values, x):
    trace = naive_neuron(x, values)
    return list(zip(trace.u, trace.v, trace.a, trace.s))


@given(cases)
def test_fixed_step_is_the_neuron_of_the_reference_on_numpy(case):
    values, x = case
    assert run(dynamics.fixed_step, np.int64, values, x) == expected(values, x)


@settings(max_examples=30, deadline=None)
@given(cases)
def test_fixed_step_is_the_neuron_of_the_reference_on_torch(case):
    torch = pytest.importorskip("torch")
    values, x = case
    tensor = lambda value: torch.tensor(value, dtype=torch.int64)  # noqa: E731
    assert run(dynamics.fixed_step, tensor, values, x) == expected(values, x)


@pytest.fixture(scope="module")
def compiled_step():
    """`fixed_step` composed of the compiled functions it consists of."""
    names = ("synaptic_current", "ahp_current", "potential", "fire")
    current, after, potential, fire = (numba.njit(getattr(dynamics, name)) for name in names)

    def step(x, state, c):
        u = current(state.u, x, c.decay_u, c.in_shift)
        a = after(state.a, state.s, c.decay_a, c.jump)
        v = potential(state.v, u + a + c.bias, state.hold, c.decay_v)
        return fire(u, v, a, state.hold, c.threshold, c.refractory)

    return step


@settings(max_examples=30, deadline=None)
@given(case=cases)
def test_fixed_step_is_the_neuron_of_the_reference_in_numba(compiled_step, case):
    values, x = case
    assert run(compiled_step, np.int64, values, x) == expected(values, x)


def coefficients(**changes):
    plain = dict(
        decay_u=1.0, decay_v=0.0, decay_a=0.0, jump=0.0, threshold=1e9, refractory=0, bias=0.0
    )
    return FloatCoefficients(**(plain | changes))


def float_states(x, c):
    state, states = resting_state(0.0), []
    for value in x:
        state = dynamics.float_step(value, state, c)
        states.append(state)
    return states


def test_float_voltage_under_constant_input_follows_the_geometric_series():
    d, x = 0.05, 0.3
    states_ = float_states([x] * 50, coefficients(decay_v=d))
    series = [x * (1 - (1 - d) ** (t + 1)) / d for t in range(50)]
    assert [state.v for state in states_] == pytest.approx(series)


def test_float_current_decays_by_its_time_constant():
    states_ = float_states([1.0] + [0.0] * 20, coefficients(decay_u=0.25))
    assert [state.u for state in states_] == pytest.approx([0.75**t for t in range(21)])


def test_ahp_current_starts_one_step_after_the_spike_and_decays_by_tau_a():
    c = coefficients(decay_v=1.0, threshold=0.5, jump=0.2, decay_a=0.1)
    states_ = float_states([1.0] + [0.0] * 10, c)
    assert [state.s for state in states_] == [1] + [0] * 10
    assert [state.a for state in states_] == pytest.approx(
        [0.0] + [-0.2 * 0.9**t for t in range(10)]
    )


@pytest.mark.parametrize("period", [0, 1, 3])
def test_refractory_period_is_the_number_of_silent_steps_after_a_spike(period):
    c = coefficients(threshold=0.5, refractory=period)
    spikes = [state.s for state in float_states([1.0] * 13, c)]
    assert spikes == [1 if t % (period + 1) == 0 else 0 for t in range(13)]


def test_voltage_at_the_threshold_does_not_spike():
    state = State(u=0, v=0, a=0, s=0, hold=0)
    assert dynamics.float_step(1.0, state, coefficients(threshold=1.0)).s == 0
    c = FixedAHPParameters(vth=10).coefficients()
    state = resting_state(np.int64(0))
    assert dynamics.fixed_step(np.int64(10), state, c).s == 0
    assert dynamics.fixed_step(np.int64(11), state, c).s == 1


def test_fixed_step_approaches_the_float_step_where_numbers_are_large():
    """Rounding is the only difference: each of 3 states loses less than 1 a step."""
    fixed = FixedAHPParameters(du=2047, dv=204, da=5, vth=131071)
    c = fixed.coefficients()
    exact = FloatCoefficients(
        c.decay_u / 4096, c.decay_v / 4096, c.decay_a / 4096, 0.0, 1e9, 0, 0.0
    )
    random = np.random.default_rng(0)
    a, b = resting_state(np.zeros(5, np.int64)), resting_state(np.zeros(5))
    for t in range(200):
        x = random.integers(-50, 60, 5)
        a = dynamics.fixed_step(x, a, c)
        b = dynamics.float_step(x * 64.0, b, exact)
        assert np.all(np.abs(a.u - b.u) <= 2)
        assert np.all(np.abs(a.v - b.v) <= 3 * (t + 1))
    assert np.any(np.abs(b.v) > 1000)
