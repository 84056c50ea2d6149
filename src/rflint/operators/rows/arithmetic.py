"""Arithmetic, position by position."""

from __future__ import annotations

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators import zeros
from rflint.operators.broadcasting import broadcast_shape, broadcasting
from rflint.operators.call import Call
from rflint.operators.effect import Effect
from rflint.operators.table import operator


@operator(
    *("add", "radd", "iadd", "sub", "rsub", "isub", "subtract", "maximum", "minimum"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
)
def addition(call: Call) -> Effect:
    """Arithmetic that is zero where all operands are."""
    return broadcasting(call, zeros.of_sum(call))


@operator(
    *("mul", "rmul", "imul", "multiply"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
    traits=[Trait.PRODUCT],
)
def multiplication(call: Call) -> Effect:
    """Arithmetic that is zero where any operand is."""
    return broadcasting(call, zeros.of_product(call))


@operator(
    *("div", "idiv", "truediv", "itruediv", "divide", "true_divide"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
)
def division(call: Call) -> Effect:
    """Arithmetic that is zero where the first operand is, if the second is a number."""
    return broadcasting(call, zeros.of_quotient(call))


@operator("quantized::mul", kind=Kind.ARITHMETIC, shape=broadcast_shape, traits=[Trait.PRODUCT])
@operator(
    *("fmax", "fmin", "where", "masked_fill"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
    traits=[Trait.MASKS],
)
@operator(
    *("rdiv", "rtruediv", "floor_divide", "floordiv", "rfloordiv", "pow", "rpow", "ipow"),
    *("remainder", "mod", "rmod", "fmod", "lerp", "gcd", "lcm", "addcmul", "addcdiv", "atan2"),
    *("eq", "ne", "lt", "le", "gt", "ge", "isclose", "logical_and", "logical_or", "logical_xor"),
    *("and", "or", "xor", "rand", "ror", "rxor", "bitwise_and", "bitwise_or", "bitwise_xor"),
    *("lshift", "rshift", "copysign", "hypot", "copy", "xlogy", "logaddexp", "logaddexp2"),
    *("ldexp", "float_power", "heaviside", "polar", "complex", "igamma", "igammac", "nextafter"),
    *("special_xlog1py", "special_zeta", "quantized::add", "quantized::add_relu"),
    kind=Kind.ARITHMETIC,
    shape=broadcast_shape,
)
def arithmetic(call: Call) -> Effect:
    """Arithmetic position by position, with broadcasting."""
    return broadcasting(call)
