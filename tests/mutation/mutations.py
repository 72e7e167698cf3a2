"""Find one-line changes that could hide in a module: in its code and in its SQL."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import pairwise

QUERY = {"filter", "exclude", "get", "update", "values", "Q", "move"}
"""Calls whose arguments are conditions or new values: a lost one raises nothing."""
COMPARED = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
_SQL = re.compile(r"\b(SELECT|UPDATE|WHERE|DELETE FROM|INSERT INTO|CASE WHEN|AND)\b")
_AND = re.compile(r"\bAND\s+")
_END = re.compile(r"\s*(\bAND\b|\bOR\b|\bORDER BY\b|\bLIMIT\b|\bRETURNING\b|\bGROUP BY\b|\bTHEN\b|\n|[\"'])")
_SWAPPED = (
    (re.compile(r"(?<=\s)<(?=\s)"), "<="),
    (re.compile(r"(?<=\s)<=(?=\s)"), "<"),
    (re.compile(r"(?<=\s)>(?=\s)"), ">="),
    (re.compile(r"(?<=\s)>=(?=\s)"), ">"),
    (re.compile(r"\bDESC\b"), "ASC"),
    (re.compile(r"\bMIN\b"), "MAX"),
    (re.compile(r"\bMAX\b"), "MIN"),
    (re.compile(r"\bIS NULL\b"), "IS NOT NULL"),
    (re.compile(r"\bIS NOT NULL\b"), "IS NULL"),
)


@dataclass(frozen=True)
class Mutant:
    """Replace the bytes from `begin` to `end` of `path`. statement: the line that coverage reports.

    function: (qualified name, first line) of the outermost function that holds it; None at module or class level.
    """

    path: str
    begin: int
    end: int
    text: str
    line: int
    statement: int
    function: tuple[str, int] | None

    def applied(self, source: bytes) -> bytes:
        return source[: self.begin] + self.text.encode() + source[self.end :]

    def described(self, source: bytes) -> str:
        before = " ".join(source[self.begin : self.end].decode().split())
        return f"{self.path}:{self.line}: {before[:90]!r} -> {self.text[:90]!r}"


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found), key=lambda one: (one.begin, one.end, one.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source, self.found = path, source, list[Mutant]()
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._classes: list[str] = []
        self._function: tuple[str, int] | None = None
        self._statement = 1

    def span(self, node: ast.AST) -> tuple[int, int]:
        begin = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return begin, self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def add(self, begin: int, end: int, text: str) -> None:
        line = self.source.count(b"\n", 0, begin) + 1
        self.found.append(Mutant(self.path, begin, end, text, line, self._statement, self._function))

    def replace(self, node: ast.AST, text: str) -> None:
        self.add(*self.span(node), text)

    def code(self, node: ast.AST) -> str:
        begin, end = self.span(node)
        return self.source[begin:end].decode()

    # -- where we are ----------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._statement = node.lineno
        super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        for child in node.body:
            self.visit(child)
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer = self._function
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        self._function = outer or (".".join([*self._classes, node.name]), first)
        for child in node.body:
            self.visit(child)
        self._function = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    # -- statements ------------------------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):  # a docstring
            return
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call):
            if self.code(call).startswith(("log.", "self._log.")):
                return
            self.replace(node, "None")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self.replace(node.test, "False")
        self.replace(node.test, "True")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.replace(node, f"({self.code(node.body)})")
        self.replace(node, f"({self.code(node.orelse)})")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Its texts are nobody's promise; a guard that no longer raises is a mutant of its `if`."""

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.Add):
            begin, end = self.span(node)
            place = self.source.index(b"+=", begin, end)
            self.add(place, place + 2, "-=")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        pass

    visit_Import = visit_ImportFrom

    # -- expressions -----------------------------------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        parts = [node.left, *node.comparators]
        for (left, right), op in zip(pairwise(parts), node.ops, strict=True):
            self.add(self.span(left)[1], self.span(right)[0], f" {COMPARED[type(op)]} ")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for lost in node.values:
            word = " and " if isinstance(node.op, ast.And) else " or "
            self.replace(node, f"({word.join(self.code(one) for one in node.values if one is not lost)})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.replace(node, f"({self.code(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        text = any(
            isinstance(one, ast.Constant | ast.JoinedStr) and self.is_text(one) for one in ast.walk(node)
        )
        sign = ARITHMETIC.get(type(node.op))
        if sign and not text:
            self.replace(node, f"({self.code(node.left)} {sign} {self.code(node.right)})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        arguments = [*node.args, *node.keywords]
        if name in QUERY:
            for lost in arguments:
                kept = ", ".join(self.code(one) for one in arguments if one is not lost)
                self.replace(node, f"{self.code(node.func)}({kept})")
        if name == "order_by":
            for one in node.args:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    turned = one.value[1:] if one.value.startswith("-") else "-" + one.value
                    self.replace(one, repr(turned))
        if name in ("min", "max") and isinstance(node.func, ast.Name):
            self.replace(node.func, "max" if name == "min" else "min")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for lost in node.values if len(node.values) > 1 else ():
            items = zip(node.keys, node.values, strict=True)
            kept = [(key, value) for key, value in items if value is not lost]
            text = ", ".join(
                f"{self.code(key)}: {self.code(value)}" if key else f"**{self.code(value)}"
                for key, value in kept
            )
            self.replace(node, "{" + text + "}")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.replace(node, str(not node.value))
        elif isinstance(node.value, int | float):
            self.replace(node, repr(node.value + 1))
        elif isinstance(node.value, str):
            self._sql(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._sql(node)

    # -- SQL -------------------------------------------------------------------------------------------------------

    @staticmethod
    def is_text(node: ast.AST) -> bool:
        return isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)

    def _sql(self, node: ast.Constant | ast.JoinedStr) -> None:
        text, (begin, _) = self.code(node), self.span(node)
        if not _SQL.search(text):
            return
        for match in _AND.finditer(text):
            end = _end_of_condition(text, match.end())
            self._in_text(begin, text, match.start(), end, "")
        for pattern, other in _SWAPPED:
            for match in pattern.finditer(text):
                self._in_text(begin, text, match.start(), match.end(), other)

    def _in_text(self, begin: int, text: str, start: int, end: int, other: str) -> None:
        first, last = (len(text[:place].encode()) for place in (start, end))
        self.add(begin + first, begin + last, other)


def _end_of_condition(text: str, place: int) -> int:
    """Where the condition that begins at `place` ends."""
    depth = 0
    while place < len(text):
        if text[place] in "([":
            depth += 1
        elif text[place] in ")]":
            depth -= 1
            if depth < 0:
                return place
        elif depth == 0 and _END.match(text, place):
            return place
        place += 1
    return place
