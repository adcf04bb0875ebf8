"""The vector loops of the compiled passes, against NumPy."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.slayer import vectors  # noqa: E402


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 80, 250])
@pytest.mark.parametrize("function", ["not_zero", "_not_zero_by_table"])
def test_lists_of_what_is_not_zero(function, n, dtype):
    random = np.random.default_rng(n)
    for density in (0.0, 0.1, 1.0):
        values = (random.normal(0, 9, n).round() * (random.random(n) < density)).astype(dtype)
        indices = np.full(n + vectors.BLOCK, -1, np.int32)
        count = getattr(vectors, function)(values, indices)
        assert indices[:count].tolist() == np.flatnonzero(values).tolist()


def test_the_number_that_is_none_is_not_zero():
    values = np.zeros(16, np.float32)
    values[3] = np.nan
    indices = np.empty(16 + vectors.BLOCK, np.int32)
    assert vectors.not_zero(values, indices) == 1 and indices[0] == 3


@pytest.mark.parametrize("n_chosen", range(10))
@pytest.mark.parametrize("width", [16, 32, 128, 160])
def test_sums_of_chosen_rows(width, n_chosen):
    random = np.random.default_rng(n_chosen)
    rows = random.integers(-255, 256, (20, width)).astype(np.float32)
    chosen = random.choice(20, n_chosen, replace=False).astype(np.int32)
    total = rows[0].copy()
    vectors.add_rows(total, rows, chosen)
    assert np.array_equal(total, rows[0] + rows[chosen].sum(0))
