"""Mutants of a module: small changes of its source, each of which some test should notice.

Operators: the boundary and the sense of a comparison, arithmetic, constants (one more, one less, the other truth),
`and`, `or` and `not`, conditions, what is returned, min and max and their like, statements left out. Annotations, doc
strings, decorators, texts (messages, names) and `strict=` of `zip` are left alone: they
decide no number.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SWAPS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="), ast.LtE: ("<", ">"), ast.Gt: (">=", "<="), ast.GtE: (">", "<"), ast.Eq: ("!=",),
    ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",), ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
_TOKENS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"), ast.Pow: ("**", "*"), ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "&"),
}  # fmt: skip
_PAIRS = (
    ("min", "max"), ("any", "all"), ("argmin", "argmax"), ("bisect_left", "bisect_right"), ("minimum", "maximum"),
    ("append", "appendleft"), ("pop", "popleft"), ("floor", "ceil"), ("union", "intersection"),
)  # fmt: skip
_CALLS = dict([*_PAIRS, *((b, a) for a, b in _PAIRS)])


@dataclass(frozen=True)
class Mutant:
    """One change: the text from `start` to `end` (offsets) becomes `text`; `lines` are those of its statement."""

    path: str
    operator: str
    start: int
    end: int
    text: str
    line: int
    lines: tuple[int, ...]
    function: str
    """Qualified name of the outermost function around it, '' where it runs at import."""

    def source(self) -> str:
        """The module with the change."""
        given = Path(self.path).read_text()
        return given[: self.start] + self.text + given[self.end :]

    def shown(self) -> tuple[str, str]:
        """The changed lines before and after, stripped."""
        given, changed = Path(self.path).read_text(), self.source()
        last = given.index("\n", self.end)
        first = given.rindex("\n", 0, self.start) + 1
        after = changed[first : last + len(changed) - len(given)]
        return " ".join(given[first:last].split()), " ".join(after.split())


class _Finder:
    """The mutants of one module in the order of its text."""

    def __init__(self, path: str) -> None:
        self.path, self.given = path, Path(path).read_text()
        self.starts = [0]
        for line in self.given.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found: list[Mutant] = []
        self.function, self.lines = "", ()

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        return start + len(self.given[start:].encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def add(self, operator: str, start: int, end: int, text: str) -> None:
        line = self.given.count("\n", 0, start) + 1
        self.found.append(Mutant(self.path, operator, start, end, text, line, self.lines, self.function))

    def between(self, left: ast.AST, right: ast.AST, token: str) -> tuple[int, int] | None:
        """Where the operator's token stands: the only text between two operands but for brackets and comments."""
        start, end = self.span(left)[1], self.span(right)[0]
        at = self.given.find(token, start, end)
        return None if at < 0 or "#" in self.given[start:end] else (at, at + len(token))

    def body(self, statements: list[ast.stmt], within: str) -> None:
        for statement in statements:
            self.statement(statement, within)

    def statement(self, node: ast.stmt, within: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inner = f"{within}.{node.name}" if within else node.name
            if isinstance(node, ast.FunctionDef):
                self.lines = tuple(range(node.lineno, node.body[0].lineno))
                for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                    self.expression(default)
                outermost = not self.function
                if outermost:
                    self.function = inner
                self.body(node.body, f"{inner}.<locals>")
                if outermost:
                    self.function = ""
            else:
                self.body(node.body, inner)
            return
        blocks = [getattr(node, field, []) for field in ("body", "orelse", "finalbody")]
        first = next((block[0].lineno for block in blocks if block), None)
        header = range(
            node.lineno, (node.end_lineno or node.lineno) + 1 if first is None else max(first, node.lineno + 1)
        )
        self.lines = tuple(header)
        if isinstance(node, ast.If | ast.While) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        self.deletion(node)
        self.lines = tuple(header)
        for field, value in ast.iter_fields(node):
            if field in ("body", "orelse", "finalbody", "handlers", "annotation", "cases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.expr | ast.withitem):
                    self.expression(child)
        if isinstance(node, ast.If):
            self.condition(node.test)
        if isinstance(node, ast.Return) and node.value is not None and not _is_constant(node.value):
            self.add("return", *self.span(node.value), "None")
        for block in blocks:
            self.body(block, within)
        for handler in getattr(node, "handlers", []):
            self.body(handler.body, within)

    def deletion(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Break():
                self.add("deletion", *self.span(node), "pass")
            case ast.Continue():
                self.add("deletion", *self.span(node), "break")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
                self.add("deletion", *self.span(node), "pass")

    def condition(self, test: ast.expr) -> None:
        start, end = self.span(test)
        if not isinstance(test, ast.Compare | ast.NamedExpr) and not (
            isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        ):
            self.add("condition", start, end, f"not ({self.given[start:end]})")

    def expression(self, node: ast.AST) -> None:
        match node:
            case ast.JoinedStr() | ast.Lambda(body=ast.Constant()):
                return
            case ast.Constant():
                self.constant(node)
            case ast.Compare():
                self.comparison(node)
            case ast.BinOp():
                old, new = _TOKENS.get(type(node.op), ("", ""))
                if old and (where := self.between(node.left, node.right, old)) and not _is_text(node):
                    self.add("arithmetic", *where, new)
            case ast.BoolOp():
                old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in zip(node.values, node.values[1:]):
                    if where := self.between(left, right, old):
                        self.add("boolean", *where, new)
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
                start, end = self.span(node)
                self.add("boolean" if isinstance(node.op, ast.Not) else "arithmetic", start, end,
                         f"({self.given[slice(*self.span(node.operand))]})")  # fmt: skip
            case ast.IfExp():
                self.condition(node.test)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _CALLS:
                end = self.span(node.func)[1]
                self.add("call", end - len(name), end, _CALLS[name])
            case ast.comprehension():
                for test in node.ifs:
                    self.condition(test)
        for field, child in ast.iter_fields(node):
            if (isinstance(node, ast.keyword) and node.arg == "strict") or field == "annotation":
                continue
            for each in child if isinstance(child, list) else [child]:
                if isinstance(each, ast.expr | ast.comprehension | ast.keyword | ast.withitem | ast.slice):
                    self.expression(each)

    def constant(self, node: ast.Constant) -> None:
        start, end = self.span(node)
        if isinstance(node.value, bool):
            self.add("constant", start, end, str(not node.value))
        elif isinstance(node.value, int):
            for other in (node.value + 1, node.value - 1):
                self.add("constant", start, end, str(other) if other >= 0 else f"({other})")
        elif isinstance(node.value, float):
            self.add("constant", start, end, repr(2 * node.value + 1))

    def comparison(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, operands, operands[1:]):
            sign = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
                    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}[type(op)]  # fmt: skip
            if where := self.between(left, right, sign):
                for new in _SWAPS[type(op)]:
                    self.add("comparison", *where, new)


def _is_constant(node: ast.expr) -> bool:
    """None is put in place of others; False would mostly read the same, and numbers have mutants of their own."""
    return isinstance(node, ast.Constant) and not isinstance(node.value, str)


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(each, ast.JoinedStr) or isinstance(getattr(each, "value", None), str)
               for each in (node.left, node.right))  # fmt: skip


def mutants(path: str | Path) -> list[Mutant]:
    """All mutants of a module that compile."""
    finder = _Finder(str(path))
    finder.body(ast.parse(finder.given).body, "")
    return [mutant for mutant in finder.found if _compiles(mutant)]


def _compiles(mutant: Mutant) -> bool:
    try:
        compile(mutant.source(), mutant.path, "exec")
    except SyntaxError:
        return False
    return True


def sample(found: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """About `count` of them, every operator in turn, by a seeded draw; in the order of the text."""
    rng, kinds = random.Random(seed), defaultdict[str, list[Mutant]](list)
    for mutant in found:
        kinds[mutant.operator].append(mutant)
    for kind in kinds.values():
        rng.shuffle(kind)
    drawn = [mutant for turn in _turns(list(kinds.values())) for mutant in turn]
    return sorted(drawn[:count], key=lambda mutant: (mutant.start, mutant.text))


def _turns(kinds: list[list[Mutant]]) -> Iterator[list[Mutant]]:
    for k in range(max(map(len, kinds), default=0)):
        yield [kind[k] for kind in kinds if k < len(kind)]
