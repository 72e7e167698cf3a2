"""What the documentation points at is there: pages, pictures, and the tests that are named as proof."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
_LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
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
