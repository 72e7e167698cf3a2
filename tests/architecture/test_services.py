"""What is written for one database engine is tested on both."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "core",
    "whatsflow",
    "accounts",
    "jobs",
    "connections",
    "webhooks",
    "contacts",
    "messaging",
    "campaigns",
    "analytics",
)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def depends_on_the_engine(tree: ast.Module) -> bool:
    """Whether the code asks for the engine or its features, or executes SQL of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("vendor", "features"):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany"):
            owner = ast.unparse(node.value)
            if "cursor" in owner or owner == "schema_editor":
                return True
        if isinstance(node, ast.Name) and node.id == "RawSQL":
            return True
    return False


def is_services_mark(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "services"
        and ast.unparse(node) == "pytest.mark.services"
    )


def named(tree: ast.Module) -> Iterator[str]:
    """The modules that a test module imports, and those that its mark names: `pytest.mark.services("core.clock")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and is_services_mark(node.func):
            yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def test_every_module_that_depends_on_the_engine_is_named_by_a_module_of_services_tests() -> None:
    product = [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    ]
    dependent = {dotted(path) for path in product if depends_on_the_engine(ast.parse(path.read_text()))}
    covered: set[str] = set()
    marked = 0
    for path in (ROOT / "tests").rglob("test_*.py"):
        source = path.read_text()
        if "pytest.mark.services" not in source:
            continue
        tree = ast.parse(source)
        marks = [
            node for node in tree.body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node)
        ]
        if any(is_services_mark(part) for mark in marks for part in ast.walk(mark)):
            marked += 1
            covered |= set(named(tree))
    assert len(dependent) > 15
    assert marked > 50
    assert not dependent - covered, "import these in a module marked services, or name them in its mark"
