"""Machine instructions and C calls that Python lacks, callable from kernels only.

Each intrinsic is a function that numba calls while it compiles: it returns a signature, and a
generator of LLVM instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


def _popcount(typingctx: Any, mask: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(args[0])

    return types.int64(types.int64), generate


def _lowest_bit(typingctx: Any, mask: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        # Without a defined result for 0 it is one instruction on every x86-64.
        undefined_for_zero = context.get_constant(types.boolean, True)
        return builder.cttz(args[0], undefined_for_zero)

    return types.int64(types.int64), generate


def _call(typingctx: Any, function: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        # The C function returns a 32-bit error code; kernels compute in int64, hence the sext.
        word = args[0].type
        kind = ir.FunctionType(ir.IntType(32), [word, word])
        code = builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1], args[2]])
        return builder.sext(code, word)

    return types.int64(types.int64, types.int64, types.int64), generate


CALL_WORDS, CALL_DOUBLES = 18, 3
"""Integer and floating-point arguments of every call that is laid out in memory.

Functions with fewer arguments are called with all of them. The C ABIs of Linux (System V on x86-64,
AAPCS64 on ARM) allow it: the caller removes the arguments, integers and doubles have registers of
their own, and a function reads only those that it declares."""

WORD = 8
"""Bytes of an int64."""


def _call_laid_out(typingctx: Any, address: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        # The call's layout: the function's address, CALL_WORDS words, CALL_DOUBLES doubles.
        word, double = args[0].type, ir.DoubleType()

        def value(number: int, kind: Any) -> Any:
            place = builder.add(args[0], ir.Constant(word, WORD * number))
            return builder.load(builder.inttoptr(place, kind.as_pointer()))

        kind = ir.FunctionType(ir.IntType(32), [word] * CALL_WORDS + [double] * CALL_DOUBLES)
        words = [value(1 + number, word) for number in range(CALL_WORDS)]
        doubles = [value(1 + CALL_WORDS + number, double) for number in range(CALL_DOUBLES)]
        function = builder.inttoptr(value(0, word), kind.as_pointer())
        return builder.sext(builder.call(function, words + doubles), word)

    return types.int64(types.int64), generate


def _load(typingctx: Any, address: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.load(builder.inttoptr(args[0], args[0].type.as_pointer()))

    return types.int64(types.int64), generate


def _float_of_bits(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), generate


def _bits_of_float(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(args[0], ir.IntType(32))

    return types.uint32(types.float32), generate


popcount: Callable[[Any], int] = intrinsic(_popcount)
"""Return the number of set bits of an int64."""

lowest_bit: Callable[[Any], int] = intrinsic(_lowest_bit)
"""Return the index of the lowest set bit of an int64 that is not 0."""

call: Callable[[int, int, int], int] = intrinsic(_call)
"""Call the C function at an address with two words, without the GIL; return its error code."""

call_laid_out: Callable[[int], int] = intrinsic(_call_laid_out)
"""Make the call that is laid out at an address; return its error code.

The layout is the C function's address, `CALL_WORDS` words, then `CALL_DOUBLES` doubles."""

load: Callable[[int], int] = intrinsic(_load)
"""Return the int64 at an address."""

float_of_bits: Callable[[Any], Any] = intrinsic(_float_of_bits)
"""Return the float32 with the bits of a uint32."""

bits_of_float: Callable[[Any], Any] = intrinsic(_bits_of_float)
"""Return the bits of a float32 as a uint32."""
