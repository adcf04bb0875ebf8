"""Rows of weights in half the memory, and products with them, against NumPy."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp.slayer.halves import dot_halves, in_halves  # noqa: E402


@pytest.mark.parametrize("n_chosen", range(10))
@pytest.mark.parametrize("width", [32, 256])
def test_products_with_chosen_rows_of_weights_of_8_bits(width, n_chosen):
    random = np.random.default_rng(n_chosen)
    exponents = random.integers(-9, 3, width)
    rows = (random.integers(-256, 257, (20, width)) * 2.0**exponents).astype(np.float32)
    other = random.normal(size=width).astype(np.float32)
    chosen = np.full(n_chosen + 3, -1, np.int32)
    chosen[:n_chosen] = random.choice(np.arange(1, 20), n_chosen, replace=False)
    products = np.zeros(20, np.float32)
    words = in_halves(rows)
    assert words.nbytes == rows.nbytes // 2
    dot_halves(products, words, chosen, n_chosen, other)
    expected = rows.astype(float) @ other
    size = np.abs(rows).astype(float) @ np.abs(other)
    assert np.all(np.abs(products - expected)[chosen[:n_chosen]] < 1e-6 * size[chosen[:n_chosen]])
    rest = np.setdiff1d(np.arange(1, 20), chosen[:n_chosen])
    assert not products[rest].any()


@pytest.mark.parametrize("value", [257, 0.1, 1 + 2.0**-8])
def test_values_of_more_bits_are_not_kept_in_halves(value):
    rows = np.ones((3, 32), np.float32)
    assert in_halves(rows).shape == (3, 16)
    rows[1, 20] = value
    assert in_halves(rows).shape == (0, 16)
