"""What the strict content security policy asks of templates and scripts, checked in their source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.relative_to(ROOT).parts
)
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))

FORBIDDEN_IN_TEMPLATES = {
    "an inline script": r"<script(?![^>]*\bsrc=)",
    "a <style> element": r"<style\b",
    "a style attribute": r"<[^>]*\sstyle\s*=",
    "an on… attribute": r"<[a-z][^>]*\son[a-z]+\s*=",
    "hx-on": r"\bhx-on[:-]",
    "a js: value": r"=\s*[\"'](js|javascript):",
    "an asset of another host": r"(src|srcset)\s*=\s*[\"'](https?:)?//",
    "a stylesheet or script of another host": r"<(link|script)[^>]*(https?:)?//[a-z]",
    "text marked as safe": r"\|\s*safe\b(?!seq)",
}
SAFE_ALLOWED = {"shell/_field_notes.html"}
"""Help texts of forms are written by developers (Django's own contain lists)."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_template_tags(text: str) -> str:
    """The HTML, with what the template language writes taken out, so that a tag's `<` and `>` are HTML's."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_hold_nothing_that_the_policy_forbids(path: Path) -> None:
    html = without_template_tags(path.read_text())
    for what, pattern in FORBIDDEN_IN_TEMPLATES.items():
        if what == "text marked as safe" and path.relative_to(ROOT / "templates").as_posix() in SAFE_ALLOWED:
            continue
        found = re.search(pattern, html, re.IGNORECASE | re.DOTALL)
        assert found is None, f"{name(path)} holds {what}: {found and found[0][:120]}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_htmx_triggers_carry_no_filter(path: Path) -> None:
    """A filter is compiled with eval, which the policy forbids: the trigger would never fire."""
    for trigger in re.findall(r'hx-trigger\s*=\s*"([^"]*)"', path.read_text()):
        assert "[" not in trigger, f"{name(path)}: {trigger}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_use_icons_that_exist(path: Path) -> None:
    known = set((ROOT / "scripts" / "icons.txt").read_text().split())
    used = set(re.findall(r'\{%\s*icon\s+"([^"]+)"', path.read_text()))
    assert used <= known, f"{name(path)}: add {sorted(used - known)} to scripts/icons.txt and run make vendor"


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_forms_that_change_something_carry_a_token(path: Path) -> None:
    for form in re.findall(
        r"<form\b[^>]*method\s*=\s*\"post\".*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE
    ):
        assert "{% csrf_token %}" in form, f"{name(path)}: {form[:160]}"


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_evaluate_no_text(path: Path) -> None:
    text = path.read_text()
    for pattern in (
        r"\beval\(",
        r"new Function\(",
        r"document\.write\(",
        r"set(Timeout|Interval)\(\s*[\"'`]",
    ):
        assert not re.search(pattern, text), f"{name(path)}: {pattern}"
    assert not re.search(r"(import|from)\s*\(?[\"'](https?:)?//", text), (
        f"{name(path)} imports from another host"
    )


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_styles_load_nothing_from_another_host(path: Path) -> None:
    assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
