"""CloudWatch metric math: arithmetic, comparisons, IF and FILL on time series.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". An expression of these is also one of
Python, whose parser reads it. Any other function or operator ends with `NotEmulated`.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

from tests.support.cloud.template import NotEmulated

Series = Sequence[float | None]
"""A value for each period; None where a metric has no data point."""

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(expression: str, metrics: Mapping[str, Series]) -> list[float | None]:
    """Return the value of an expression for each period; None where an operand is missing or a division is by zero.

    Args:
        expression: of an alarm.
        metrics: the series that it names, all of the same length.

    Raises:
        NotEmulated: a function, an operator or a metric is not known.
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise NotEmulated(f"The expression {expression}") from error
    periods = {len(series) for series in metrics.values()}
    if len(periods) != 1:
        raise NotEmulated("Metrics of an expression with different periods")
    (length,) = periods
    return [_value(tree, {name: series[at] for name, series in metrics.items()}) for at in range(length)]


def _value(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=how, right=right) if type(how) in _OPERATORS:
            return _apply(_OPERATORS[type(how)], _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[how], comparators=[right]) if type(how) in _OPERATORS:
            return _apply(_OPERATORS[type(how)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, if_true, otherwise], keywords=[]):
            decided = _value(condition, values)
            return None if decided is None else _value(if_true if decided else otherwise, values)
        case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Constant() as filling], keywords=[]):
            value = _value(series, values)
            return _value(filling, values) if value is None else value
    raise NotEmulated(f"{ast.unparse(node)} in a math expression")


def _apply(compute: Callable[[float, float], float], left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        return float(compute(left, right))
    except ZeroDivisionError:
        return None
