"""Who may import whom, and what stays small enough to read."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "analytics", "campaigns", "connections", "contacts", "jobs", "messaging")
DOORS = {"views.py", "api.py", "consumers.py", "tasks.py", "handlers.py", "subscriptions.py"}
MAX_LINES = 600


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def is_door(path: Path) -> bool:
    return path.name in DOORS or path.parent.name == "views"


@pytest.mark.parametrize("path", [path for path in modules(*APPS) if is_door(path)], ids=name)
def test_doors_leave_the_tables_to_selectors_and_services(path: Path) -> None:
    tree = ast.parse(path.read_text())
    uses = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "objects"
    ]
    assert not uses, f"{name(path)} reads tables in lines {uses}"


@pytest.mark.parametrize("path", modules("whatsflow", *APPS), ids=name)
def test_modules_stay_short(path: Path) -> None:
    if path.name == "settings.py":
        pytest.skip("one file on purpose")
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", modules("whatsflow", *APPS), ids=name)
def test_public_functions_say_what_they_do(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    silent = [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    if path.parts[-2] == "core" or "services" in path.parts or path.name in ("selectors.py", "ports.py"):
        assert not silent, f"{name(path)} has no docstring on {silent}"
