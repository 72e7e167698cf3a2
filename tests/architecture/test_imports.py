"""Who may import whom, and who may read tables."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "analytics", "campaigns", "connections", "contacts", "jobs", "messaging", "webhooks")
DOORS = {"views.py", "api.py", "consumers.py", "tasks.py", "subscriptions.py"}


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


def test_doors_leave_the_tables_to_selectors_and_services() -> None:
    doors = [path for path in modules(*APPS) if is_door(path)]
    uses = [
        f"{name(path)}:{node.lineno}"
        for path in doors
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "objects"
    ]
    assert len(doors) > 50
    assert not uses, "these read tables"
