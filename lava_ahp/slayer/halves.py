"""Products with rows of weights that are kept in half the memory.

What flows back onto spikes is a product with the rows of their outgoing weights, and takes as long as
reading the rows does. Weights of 8 bits, in units of a power of two, are floats whose lower 16 bits are
zero (bfloat16), so that a word has room for two.
"""

import numba
import numpy as np

from lava_ahp.slayer.lanes import WIDTH, load, lower_half, totals, upper_half

_LOWER = np.int32((1 << 16) - 1)


def in_halves(rows):
    """Rows of float32 as rows of half as many words, if no value has more than 16 bits.

    The upper half of a word is a value of the row's first half, the lower one its counterpart of the
    second half.

    Parameters
    ----------
    rows : ndarray of float32, shape (row, value)

    Returns
    -------
    ndarray of int32, shape (row, value // 2)
        Without rows where a value has more bits.
    """
    bits, half = rows.view(np.int32), rows.shape[1] // 2
    if (bits & _LOWER).any():
        return bits[:0, :half]
    return bits[:, :half] | (bits[:, half:] >> 16 & _LOWER)


@numba.njit(nogil=True)
def dot_halves(products, words, chosen, n, other):
    """Set the first `n` chosen products to those of their rows with another.

    Four at a time, which reads the other once. `chosen` has room for three more, which are set to
    row 0.
    """
    half, zero = words.shape[1], np.float32(0)
    one, two = other[:half], other[half : 2 * half]
    for k in range(n, n + 3):
        chosen[k] = 0
    for k in range(0, n, 4):
        a, b, c, d = chosen[k], chosen[k + 1], chosen[k + 2], chosen[k + 3]
        row_a, row_b, row_c, row_d = words[a], words[b], words[c], words[d]
        # Sums of each half, since one has to wait for the last before it goes on.
        a_one = a_two = b_one = b_two = zero * load(one, 0)
        c_one = c_two = d_one = d_two = zero * load(one, 0)
        for i in range(0, half, WIDTH):
            first, second = load(one, i), load(two, i)
            in_a, in_b, in_c, in_d = load(row_a, i), load(row_b, i), load(row_c, i), load(row_d, i)
            a_one = a_one + upper_half(in_a) * first
            b_one = b_one + upper_half(in_b) * first
            c_one = c_one + upper_half(in_c) * first
            d_one = d_one + upper_half(in_d) * first
            a_two = a_two + lower_half(in_a) * second
            b_two = b_two + lower_half(in_b) * second
            c_two = c_two + lower_half(in_c) * second
            d_two = d_two + lower_half(in_d) * second
        products[a], products[b], products[c], products[d] = totals(
            a_one + a_two, b_one + b_two, c_one + c_two, d_one + d_two
        )
