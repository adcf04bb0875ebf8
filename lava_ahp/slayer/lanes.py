"""Vectors for Numba: as many integers or floats of 32 bits, of as many neurons, as are computed at once.

What Numba turns into vector instructions by itself compares the addresses of all rows that a loop
touches first, at each call, which takes as long as many a loop; and its integers have 64 bits. The
states of a neuron have 24 bits, and the arithmetic of :mod:`lava_ahp.dynamics` is the same in 32 bits
as in 64: what runs over is wrapped to 24 bits in either.
"""

import operator

import numba
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

BLOCK = 16
"""Most elements of a vector on any processor."""


def packs_vectors():
    """Whether Numba compiles for a processor that packs the lanes of a vector, with AVX-512."""
    config = numba.config
    if config.CPU_FEATURES is not None:
        return "+avx512f" in config.CPU_FEATURES.split(",")
    return config.CPU_NAME in (None, "host") and get_host_cpu_features().get("avx512f", False)


WIDTH = BLOCK if packs_vectors() else 8
"""Elements of a vector. Rows have a multiple of it."""

_ELEMENTS = {types.int32: ir.IntType(32), types.float32: ir.FloatType()}


class Lanes(types.Type):
    """A vector; operators between two, or one and a number, work on each of its elements."""

    def __init__(self, element):
        super().__init__(f"Lanes({element})")
        self.element = element
        self.numbers = types.Float if element == types.float32 else (types.Integer, types.Boolean)


_integers, _floats = Lanes(types.int32), Lanes(types.float32)
_OF = {lanes.element: lanes for lanes in (_integers, _floats)}


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(_ELEMENTS[fe_type.element], WIDTH))


def _place(context, builder, array, row, i, vector):
    data = context.make_array(array)(context, builder, row).data
    return builder.bitcast(builder.gep(data, [i]), vector.as_pointer())


def _is_row(array):
    return isinstance(array, types.Array) and array.layout == "C" and array.ndim == 1


@intrinsic
def load(typingctx, row, i):
    """The elements of a row of int32 or float32 from `i` on."""
    if not _is_row(row) or row.dtype not in _OF:
        return None
    lanes = _OF[row.dtype]

    def codegen(context, builder, sig, args):
        vector = context.get_value_type(lanes)
        loaded = builder.load(_place(context, builder, row, args[0], args[1], vector))
        loaded.align = 4
        return loaded

    return lanes(row, types.intp), codegen


@intrinsic
def store(typingctx, row, i, values):
    """Write a vector to a row, from `i` on."""
    if not _is_row(row) or _OF.get(row.dtype) != values:
        return None

    def codegen(context, builder, sig, args):
        place = _place(context, builder, row, args[0], args[1], args[2].type)
        builder.store(args[2], place, align=4)
        return context.get_dummy_value()

    return types.void(row, types.intp, values), codegen


@intrinsic
def to_float(typingctx, values):
    """Integers as floats."""

    def codegen(context, builder, sig, args):
        return builder.sitofp(args[0], context.get_value_type(_floats))

    return _floats(_integers), codegen


@intrinsic
def to_integer(typingctx, values):
    """Floats as the nearest integers."""

    def codegen(context, builder, sig, args):
        rounded = _call(builder, "rint", args)
        return builder.fptosi(rounded, context.get_value_type(_integers))

    return _integers(_floats), codegen


def _call(builder, name, args, **keywords):
    """Call of one of LLVM's own functions on vectors of floats."""
    vector = args[0].type
    kind = ir.FunctionType(vector, [vector] * len(args))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f32")
    return builder.call(function, args, **keywords)


@intrinsic
def magnitude(typingctx, values):
    """Floats without their signs."""
    return _floats(_floats), lambda context, builder, sig, args: _call(builder, "fabs", args)


def _extreme(name):
    @intrinsic
    def extreme(typingctx, one, other):
        def codegen(context, builder, sig, args):
            return _call(builder, name, args, fastmath=("nnan",))

        return _floats(_floats, _floats), codegen

    return extreme


lesser, greater = _extreme("minnum"), _extreme("maxnum")
"""The lesser and the greater of two floats, neither of which is NaN."""


@intrinsic
def upper_half(typingctx, values):
    """Floats whose upper 16 bits are those of integers, and whose others are 0."""

    def codegen(context, builder, sig, args):
        mask = ir.Constant(args[0].type, [ir.Constant(ir.IntType(32), -1 << 16)] * WIDTH)
        return builder.bitcast(builder.and_(args[0], mask), context.get_value_type(_floats))

    return _floats(_integers), codegen


@intrinsic
def lower_half(typingctx, values):
    """Floats whose upper 16 bits are the lower ones of integers, and whose others are 0."""

    def codegen(context, builder, sig, args):
        by = ir.Constant(args[0].type, [ir.Constant(ir.IntType(32), 16)] * WIDTH)
        return builder.bitcast(builder.shl(args[0], by), context.get_value_type(_floats))

    return _floats(_integers), codegen


@intrinsic
def totals(typingctx, one, two, three, four):
    """Sums of the elements of four vectors of floats, which take less together than one by one."""

    def codegen(context, builder, sig, args):
        def picked(a, b, places):
            return builder.shuffle_vector(a, b, _places(places))

        def pairs(a, b):
            return builder.fadd(picked(a, b, (0, 4, 1, 5)), picked(a, b, (2, 6, 3, 7)))

        def quarter(vector):
            half = vector.type.count // 2
            if half == 2:
                return vector
            lower, upper = (picked(vector, vector, range(k, k + half)) for k in (0, half))
            return quarter(builder.fadd(lower, upper))

        quarters = [quarter(vector) for vector in args]
        one, two = pairs(*quarters[:2]), pairs(*quarters[2:])
        sums = builder.fadd(picked(one, two, (0, 1, 4, 5)), picked(one, two, (2, 3, 6, 7)))
        numbers = [builder.extract_element(sums, ir.Constant(ir.IntType(32), k)) for k in range(4)]
        return context.make_tuple(builder, sig.return_type, numbers)

    return types.UniTuple(types.float32, 4)(*(_floats,) * 4), codegen


def _places(places):
    places = list(places)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


@lower_cast(types.Integer, Lanes)
@lower_cast(types.Boolean, Lanes)
@lower_cast(types.Float, Lanes)
def _repeated(context, builder, fromty, toty, value):
    vector = context.get_value_type(toty)
    number = context.cast(builder, value, fromty, toty.element)
    nothing = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(single, nothing, zeros)


def _operator(function, instructions):
    """Make an operator of two vectors, either of which may come as a number.

    `instructions` are those by the kind of vector; each has the builder and two vectors for arguments.
    """

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):
            for lanes in instructions:
                if lanes in args and all(a == lanes or isinstance(a, lanes.numbers) for a in args):
                    return signature(lanes, lanes, lanes)

    @lower_builtin(function, Lanes, Lanes)
    def _lower(context, builder, sig, args):
        return instructions[sig.return_type](builder, *args)


def _float_instruction(name):
    """An instruction that a product and a sum may be joined to, as one rounding."""
    return lambda builder, one, other: getattr(builder, name)(one, other, flags=("contract",))


def _comparison(sign):
    """1 where integers compare so, else 0."""
    return lambda builder, one, other: builder.zext(builder.icmp_signed(sign, one, other), one.type)


for _function, _name in ((operator.add, "add"), (operator.sub, "sub"), (operator.mul, "mul")):
    _of_integers = getattr(ir.IRBuilder, _name)
    _operator(_function, {_integers: _of_integers, _floats: _float_instruction(f"f{_name}")})
for _function, _name in ((operator.and_, "and_"), (operator.lshift, "shl"), (operator.rshift, "ashr")):
    _operator(_function, {_integers: getattr(ir.IRBuilder, _name)})
for _function, _sign in ((operator.lt, "<"), (operator.gt, ">"), (operator.eq, "==")):
    _operator(_function, {_integers: _comparison(_sign)})


@intrinsic
def negative(typingctx, values):
    """1 where floats are below 0, else 0, as floats."""

    def codegen(context, builder, sig, args):
        zero = ir.Constant(args[0].type, [ir.Constant(ir.FloatType(), 0.0)] * WIDTH)
        return builder.uitofp(builder.fcmp_ordered("<", args[0], zero), args[0].type)

    return _floats(_floats), codegen
