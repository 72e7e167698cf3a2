"""Third-party files are what their manifest says, and carry their licences."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import call_command

ROOT = Path(project.BASE_DIR)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_script", ROOT / "scripts" / "vendor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with one listed file."""
    file = tmp_path / "static" / "vendor" / "thing" / "thing.js"
    file.parent.mkdir(parents=True)
    file.write_text("let thing = 1;")
    files = {"static/vendor/thing/thing.js": vendor.digest(file)}
    manifest = tmp_path / "static" / "vendor" / "manifest.json"
    manifest.write_text(json.dumps({"packages": [{"name": "thing", "files": files}]}))
    monkeypatch.setattr(vendor, "ROOT", tmp_path)
    monkeypatch.setattr(vendor, "MANIFEST", manifest)
    return tmp_path


def test_every_vendored_file_is_listed_and_unchanged(vendor: ModuleType) -> None:
    assert list(vendor.problems()) == []


def test_one_changed_byte_is_found(vendor: ModuleType, copy: Path) -> None:
    assert list(vendor.problems()) == []
    (copy / "static/vendor/thing/thing.js").write_text("let thing = 2;")
    assert list(vendor.problems()) == [
        "static/vendor/thing/thing.js was changed: its SHA-256 is not the manifest's"
    ]


def test_a_file_that_nobody_listed_is_found(vendor: ModuleType, copy: Path) -> None:
    (copy / "static/vendor/stowaway.js").write_text("alert(1)")
    assert list(vendor.problems()) == ["static/vendor/stowaway.js is not in the manifest"]


def test_a_missing_file_is_found(vendor: ModuleType, copy: Path) -> None:
    (copy / "static/vendor/thing/thing.js").unlink()
    assert list(vendor.problems()) == ["static/vendor/thing/thing.js is in the manifest but missing"]


def test_every_package_has_a_version_an_integrity_and_its_licence_text(vendor: ModuleType) -> None:
    for package in json.loads(vendor.MANIFEST.read_text())["packages"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"]), package["name"]
        assert package["integrity"].startswith("sha512-"), package["name"]
        assert package["licence"], package["name"]
        assert any(Path(name).stem == "LICENSE" for name in package["files"]), package["name"]


def test_the_manifest_names_what_the_script_would_fetch(vendor: ModuleType) -> None:
    listed = {
        (package["name"], package["version"], package["integrity"])
        for package in json.loads(vendor.MANIFEST.read_text())["packages"]
    }
    assert listed == {(package.name, package.version, package.integrity) for package in vendor.PACKAGES}


def test_no_vendored_file_points_to_a_source_map_or_another_host() -> None:
    for path in (ROOT / "static" / "vendor").rglob("*"):
        if path.is_file() and path.suffix in {".js", ".css"}:
            text = path.read_text()
            assert "sourceMappingURL" not in text, path
            assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), path


def test_the_sprite_holds_every_icon_that_was_asked_for() -> None:
    wanted = (ROOT / "scripts" / "icons.txt").read_text().split()
    assert wanted == sorted(set(wanted)), "keep scripts/icons.txt sorted, without doubles"
    drawn = re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text())
    assert drawn == wanted


def test_production_finds_every_file_that_a_style_or_script_names(settings: Any, tmp_path: Path) -> None:
    """The storage of production renames each file after its content and refuses a reference that leads nowhere."""
    settings.STATIC_ROOT = tmp_path
    backend = "whatsflow.staticfiles.Hashed"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    call_command("collectstatic", interactive=False, verbosity=0)
    assert list(tmp_path.glob("css/whatsflow.*.css"))
    for script in (tmp_path / "js").glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"|import "\./([^"]+)"', script.read_text()):
            assert (tmp_path / "js" / "".join(name)).is_file(), f"{script.name} imports {name}"
