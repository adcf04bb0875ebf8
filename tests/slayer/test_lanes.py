"""The integer step in vectors of 32 bits, against the same step in 64 bits."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.dynamics import FixedCoefficients, State, fixed_potential, fire  # noqa: E402
from lava_ahp.neuron import RANGES, FixedAHPParameters  # noqa: E402
from lava_ahp.slayer import fused  # noqa: E402

N = 4000
TWO_23 = 1 << 23


def drawn(random, low, high):
    """Integers of all magnitudes, with the ends of their range among them."""
    values = random.integers(low, high, N, endpoint=True)
    values = values >> random.integers(0, 24, N)
    ends = random.random(N)
    return np.where(ends < 0.1, low, np.where(ends > 0.9, high, values))


@pytest.mark.parametrize("seed", range(5))
def test_a_step_of_any_state_and_neuron_has_the_same_bits(seed):
    random = np.random.default_rng(seed)
    neuron = FixedAHPParameters(**{name: drawn(random, *ends) for name, ends in RANGES.items()})
    c = FixedCoefficients(*(np.broadcast_to(value, N).astype(np.int64) for value in neuron.coefficients()))
    state = State(
        u=drawn(random, 1 - TWO_23, TWO_23),
        v=drawn(random, 1 - TWO_23, TWO_23 - 1),
        a=drawn(random, 1 - TWO_23, TWO_23 - 1),
        s=random.integers(0, 2, N),
        hold=drawn(random, 0, 62),
    )
    x = drawn(random, -(1 << 24), 1 << 24)
    u, v, a = fixed_potential(x, state, c)
    after = fire(u, v, a, state.hold, c.threshold, c.refractory)

    rows, voltage = np.stack(state).astype(np.int32), np.empty(N, np.float32)
    coefficients = FixedCoefficients(*np.stack(c).astype(np.int32))
    fused._advance(rows, x.astype(np.float32), coefficients, (0, N), True, np.float32(1), voltage)
    assert np.array_equal(voltage, v)
    for name, words, expected in zip(State._fields, rows, after):
        assert np.array_equal(words, expected), name
