"""What the documentation points at is there: pages, pictures, modules, names, and the tests that are named as proof."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
_LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|html|js|toml|sh|txt|md))(?:::\w+)?`")
_NAME = re.compile(
    r"`((?:accounts|analytics|campaigns|connections|contacts|core|jobs|messaging|webhooks|whatsflow)(?:\.\w+){2,})(?:\(\))?`"
)
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_link_leads_somewhere() -> None:
    links = [
        (page, link)
        for page in PAGES
        for link in _LINK.findall(page.read_text())
        if "://" not in link and not link.startswith("mailto:")
    ]
    broken = [
        f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()
    ]
    assert links
    assert not broken


def test_every_page_can_be_reached() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = [
            (page.parent / link).resolve() for link in _LINK.findall(page.read_text()) if link.endswith(".md")
        ]
        waiting += [link for link in links if link not in reached and link not in waiting and link.exists()]
    assert set(ROOT.glob("docs/**/*.md")) - reached == set()


def test_every_test_that_is_named_as_proof_is_there() -> None:
    named = {found for page in PAGES for found in _TEST.findall(page.read_text())}
    assert len(named) > 30
    for path, name in named:
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_path_of_the_table_of_mutation_tests_is_there() -> None:
    table = tomllib.loads((ROOT / "tests" / "mutation" / "modules.toml").read_text())
    paths = [path for entry in table.values() for path in (*entry["files"], *entry["tests"])]
    assert len(paths) > 100
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_every_file_that_is_named_is_there() -> None:
    named = {(page, path) for page in PAGES for path in _FILE.findall(page.read_text())}
    assert len(named) > 100
    missing = [
        f"{page.relative_to(ROOT)}: {path}"
        for page, path in named
        if not (ROOT / path).exists() and not any(ROOT.glob(f"*/{path}"))  # of any app: `api/views.py`
    ]
    assert not missing


def test_every_dotted_name_is_there() -> None:
    names = {name for page in PAGES for name in _NAME.findall(page.read_text())}
    assert names
    for name in names:
        resolve_name(name)


@pytest.mark.parametrize("picture", ["rooms.svg", "message.svg"])
def test_pictures_are_as_the_script_draws_them(picture: str) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "draw_architecture.py"))
    assert set(script["PICTURES"]) == {"rooms.svg", "message.svg"}
    drawn = script["PICTURES"][picture]()
    assert (ROOT / "docs" / "images" / picture).read_text() == drawn, "run scripts/draw_architecture.py"
    for path, *_ in (*script["INBOUND"], *script["OUTBOUND"]):
        assert (ROOT / path).exists(), path
