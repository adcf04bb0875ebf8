"""What the compiled passes are made of: vector loops, and lists of what is not zero."""

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from lava_ahp.slayer.lanes import BLOCK, WIDTH, load, packs_vectors, store

@intrinsic
def borrowed(typingctx, array):
    """The same array, without a share in who owns it; the owner has to outlive it.

    Numba counts the views of an array that are alive, in one counter for all threads, and
    waiting for that counter takes longer than a short loop over the view. Views of a
    borrowed array are not counted.
    """

    def codegen(context, builder, signature, arguments):
        view = cgutils.create_struct_proxy(array)(context, builder, value=arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), codegen


@intrinsic
def _prefetch(typingctx, array, i):
    """Have the cache line of an element of a one-dimensional array read ahead."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [address.type, number, number, number]),
            "llvm.prefetch.p0",
        )
        read, second_cache, data = (ir.Constant(number, value) for value in (0, 2, 1))
        builder.call(function, [address, read, second_cache, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@numba.njit(nogil=True)
def prefetch(row):
    """Have a row of 32-bit values read ahead, where the processor would not foresee it.

    Not into the memory closest to the core, where it would push out what is in use.
    """
    for i in range(0, len(row), BLOCK):
        _prefetch(row, i)


def _appending(block, pack):
    """Intrinsic that writes at place `n` which of `block` values are not zero, and returns the new `n`.

    Without a branch, since which neurons spike is no pattern that a processor could foresee.
    `pack` makes a vector of the lanes of another that a mask has, in their order.
    """

    @intrinsic
    def append(typingctx, values, start, indices, n):
        if any(not isinstance(array, types.Array) or array.layout != "C" for array in (values, indices)):
            return None

        def codegen(context, builder, signature, arguments):
            of_value, of_index = (context.get_data_type(array.dtype) for array in (values, indices))
            of_values, of_indices = ir.VectorType(of_value, block), ir.VectorType(of_index, block)

            def place(array, at, argument, vector):
                data = context.make_array(array)(context, builder, argument).data
                return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())

            loaded = builder.load(place(values, arguments[1], arguments[0], of_values))
            loaded.align = values.dtype.bitwidth // 8
            integers = isinstance(values.dtype, types.Integer)
            compare = builder.icmp_signed if integers else builder.fcmp_unordered
            mask = compare("!=", loaded, _constant(of_values, [0] * block))
            nothing = ir.Constant(of_indices, ir.Undefined)
            begin = builder.insert_element(
                nothing, builder.trunc(arguments[1], of_index), ir.Constant(of_index, 0)
            )
            begin = builder.shuffle_vector(begin, nothing, _constant(of_indices, [0] * block))
            found = builder.add(begin, pack(builder, mask, of_indices))
            store = builder.store(found, place(indices, arguments[3], arguments[2], of_indices))
            store.align = indices.dtype.bitwidth // 8
            count = builder.ctpop(builder.bitcast(mask, ir.IntType(block)))
            return builder.add(arguments[3], builder.zext(count, arguments[3].type))

        return types.intp(values, types.intp, indices, types.intp), codegen

    @numba.njit(nogil=True)
    def not_zero(values, indices):
        n, whole = 0, len(values) - len(values) % block
        for start in range(0, whole, block):
            n = append(values, start, indices, n)
        for i in range(whole, len(values)):
            indices[n] = i
            n += np.int64(values[i] != 0)
        return n

    return not_zero


def _constant(vector, elements):
    return ir.Constant(vector, [ir.Constant(vector.element, value) for value in elements])


def _lanes_by_instruction(builder, mask, of_indices):
    """Numbers of the lanes that a mask has, packed by AVX-512."""
    compress = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(of_indices, [of_indices, mask.type, of_indices]),
        f"llvm.experimental.vector.compress.v{of_indices.count}i{of_indices.element.width}",
    )
    lanes = _constant(of_indices, range(of_indices.count))
    return builder.call(compress, [lanes, mask, ir.Constant(of_indices, ir.Undefined)])


def _lanes_by_table(builder, mask, of_indices):
    """The same out of a table with a row for each mask, on any processor."""
    n = of_indices.count
    name = f"lava_ahp.lanes.i{of_indices.element.width}"
    table = builder.module.globals.get(name)
    if table is None:
        rows = []
        for bits in range(1 << n):
            lanes = [lane for lane in range(n) if bits >> lane & 1]
            rows.append(_constant(of_indices, lanes + [0] * (n - len(lanes))))
        rows = ir.Constant(ir.ArrayType(of_indices, len(rows)), rows)
        table = cgutils.global_constant(builder.module, name, rows)
    bits = builder.zext(builder.bitcast(mask, ir.IntType(n)), ir.IntType(64))
    return builder.load(builder.gep(table, [ir.Constant(bits.type, 0), bits]))


_not_zero_by_table = _appending(8, _lanes_by_table)
# What stands in for AVX-512's instruction elsewhere is slow.
not_zero = _appending(BLOCK, _lanes_by_instruction) if packs_vectors() else _not_zero_by_table
"""Write the indices of what is not zero, in their order, and return how many there are.

`indices` has room for `BLOCK` more than there are values.
"""


@numba.njit(nogil=True)
def add(total, row, factor):
    """Add a row of weights times a factor to sums."""
    for i in range(len(total)):
        total[i] += factor * row[i]


@numba.njit(nogil=True)
def add_rows(total, rows, chosen):
    """Add the chosen rows to sums, four vectors of which stay in registers meanwhile.

    Rows have whole vectors.
    """
    step = 4 * WIDTH
    whole = len(total) - len(total) % step
    for i in range(0, whole, step):
        j, k, m = i + WIDTH, i + 2 * WIDTH, i + 3 * WIDTH
        a, b, c, d = load(total, i), load(total, j), load(total, k), load(total, m)
        for source in chosen:
            row = rows[source]
            a, b, c, d = a + load(row, i), b + load(row, j), c + load(row, k), d + load(row, m)
        store(total, i, a)
        store(total, j, b)
        store(total, k, c)
        store(total, m, d)
    for i in range(whole, len(total), WIDTH):
        a = load(total, i)
        for source in chosen:
            a = a + load(rows[source], i)
        store(total, i, a)


@numba.njit(nogil=True, fastmath={"contract"})
def add_products(total, one, other):
    """Add the products of two rows to sums."""
    for i in range(len(total)):
        total[i] += one[i] * other[i]


@numba.njit(nogil=True, fastmath={"contract", "reassoc"})
def dot(one, other):
    """Inner product of two rows."""
    total = np.float32(0)
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@numba.njit(nogil=True, fastmath={"contract", "reassoc"})
def dot_rows(products, rows, chosen, other):
    """Set the chosen products to those of their rows with another; four at a time, which reads it once."""
    fours = len(chosen) - len(chosen) % 4
    for k in range(0, fours, 4):
        a, b, c, d = chosen[k], chosen[k + 1], chosen[k + 2], chosen[k + 3]
        one, two, three, four = rows[a], rows[b], rows[c], rows[d]
        first = second = third = fourth = np.float32(0)
        for i in range(len(other)):
            first += one[i] * other[i]
            second += two[i] * other[i]
            third += three[i] * other[i]
            fourth += four[i] * other[i]
        products[a], products[b], products[c], products[d] = first, second, third, fourth
    for k in range(fours, len(chosen)):
        products[chosen[k]] = dot(rows[chosen[k]], other)
