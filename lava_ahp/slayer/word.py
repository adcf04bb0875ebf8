"""An integer of 32 bits for Numba, which makes every other integer 64 bits wide.

Twice as many fit into a vector register, and processors without AVX-512 have neither products
nor shifts of 64 bits in vectors. The states of a neuron have 24 bits, and the arithmetic of
:mod:`lava_ahp.dynamics` is the same in 32 bits as in 64: what runs over is wrapped to 24 bits
in either.
"""

import operator

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

_BITS = ir.IntType(32)


class Word(types.Type):
    """The type; operators between a word and any integer give words."""

    def __init__(self):
        super().__init__("Word")


_type = Word()


@register_model(Word)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _BITS)


@intrinsic
def word(typingctx, value):
    """An integer as a word; bits beyond the 32nd are lost."""
    return _type(value), lambda context, builder, sig, args: _to_word(
        context, builder, value, _type, args[0]
    )


@intrinsic
def integer(typingctx, value):
    """A word as an int32."""
    return types.int32(value), lambda context, builder, sig, args: args[0]


@lower_cast(types.Integer, Word)
@lower_cast(types.Boolean, Word)
def _to_word(context, builder, fromty, toty, value):
    if isinstance(fromty, types.Boolean):
        return builder.zext(value, _BITS)
    if fromty.bitwidth >= _BITS.width:
        return builder.trunc(value, _BITS)
    return (builder.sext if fromty.signed else builder.zext)(value, _BITS)


def _operator(function, result, instruction):
    """Make an operator of two words, either of which may come as another integer."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):
            kinds = Word, types.Integer, types.Boolean
            if _type in args and all(isinstance(arg, kinds) for arg in args):
                return signature(result, _type, _type)

    @lower_builtin(function, Word, Word)
    def _lower(context, builder, sig, args):
        return instruction(builder, *args)


for _function, _name in (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.mul, "mul"),
    (operator.and_, "and_"),
    (operator.lshift, "shl"),
    (operator.rshift, "ashr"),
):
    _operator(_function, _type, getattr(ir.IRBuilder, _name))
for _function, _name in (
    (operator.lt, "<"),
    (operator.gt, ">"),
    (operator.eq, "=="),
):
    _operator(
        _function,
        types.boolean,
        lambda builder, one, other, name=_name: builder.icmp_signed(name, one, other),
    )
