"""What the strict content security policy asks of templates and scripts, checked in their source."""

from __future__ import annotations

import re
from pathlib import Path

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


def html_of(path: Path) -> str:
    """The HTML, with what the template language writes taken out, so that a tag's `<` and `>` are HTML's."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}", "", path.read_text(), flags=re.DOTALL)


def test_there_are_templates_scripts_and_styles_to_check() -> None:
    assert len(TEMPLATES) > 200
    assert len(SCRIPTS) > 20
    assert STYLES


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    found = []
    for path in TEMPLATES:
        html = html_of(path)
        for what, pattern in FORBIDDEN_IN_TEMPLATES.items():
            allowed = (
                what == "text marked as safe"
                and path.relative_to(ROOT / "templates").as_posix() in SAFE_ALLOWED
            )
            hit = re.search(pattern, html, re.IGNORECASE | re.DOTALL)
            if hit and not allowed:
                found.append(f"{name(path)} holds {what}: {hit[0][:120]}")
    assert not found


def test_htmx_triggers_carry_no_filter() -> None:
    """A filter is compiled with eval, which the policy forbids: the trigger would never fire."""
    triggers = [
        f"{name(path)}: {trigger}"
        for path in TEMPLATES
        for trigger in re.findall(r'hx-trigger\s*=\s*"([^"]*)"', path.read_text())
    ]
    assert triggers
    assert not [trigger for trigger in triggers if "[" in trigger]


def test_templates_use_icons_that_exist() -> None:
    known = set((ROOT / "scripts" / "icons.txt").read_text().split())
    used = {
        (icon, name(path))
        for path in TEMPLATES
        for icon in re.findall(r'\{%\s*icon\s+"([^"]+)"', path.read_text())
    }
    unknown = {place for place in used if place[0] not in known}
    assert not unknown, "add them to scripts/icons.txt and run make vendor"


def test_forms_that_change_something_carry_a_token() -> None:
    forms = [
        (name(path), form)
        for path in TEMPLATES
        for form in re.findall(
            r"<form\b[^>]*method\s*=\s*\"post\".*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE
        )
    ]
    assert forms
    assert not [(path, form[:160]) for path, form in forms if "{% csrf_token %}" not in form]


def test_scripts_evaluate_no_text_and_import_from_no_other_host() -> None:
    forbidden = (
        r"\beval\(",
        r"new Function\(",
        r"document\.write\(",
        r"set(Timeout|Interval)\(\s*[\"'`]",
        r"(import|from)\s*\(?[\"'](https?:)?//",
    )
    found = [
        f"{name(path)}: {pattern}"
        for path in SCRIPTS
        for pattern in forbidden
        if re.search(pattern, path.read_text())
    ]
    assert not found


def test_styles_load_nothing_from_another_host() -> None:
    found = [
        name(path) for path in STYLES if re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert not found
