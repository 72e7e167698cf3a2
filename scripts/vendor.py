#!/usr/bin/env python3
"""Third-party files of the pages: fetched from npm by exact version, kept in the repository, checked by hash.

`scripts/vendor.py` fetches every package anew (needs npm), refuses an archive whose integrity is not the
pinned one, copies the few files that are used and their licences, draws the icon sprite from
scripts/icons.txt and writes static/vendor/manifest.json.

`scripts/vendor.py --check` needs neither npm nor network: it compares every file with the manifest and tells of
files that the manifest does not know. Exit status 1 means trouble.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"
ICON_NAMES = ROOT / "scripts" / "icons.txt"
SPRITE = "static/img/icons.svg"
VENDORED_DIRS = ("static/vendor", "tests/vendor")


@dataclass(frozen=True)
class Package:
    """One npm package. files: path in the archive -> path here; own: path of our file -> path of its copy."""

    name: str
    version: str
    licence: str
    integrity: str
    files: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    icons: bool = False


PACKAGES = (
    Package(
        "@tabler/core",
        "1.6.1",
        "MIT",
        "sha512-lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
        {
            "dist/css/tabler.min.css": "static/vendor/tabler/tabler.min.css",
            "dist/js/tabler.min.js": "static/vendor/tabler/tabler.min.js",
        },
        # The archive holds no licence file; these are the terms and holders that its files name.
        own={"scripts/licences/tabler.txt": "static/vendor/tabler/LICENSE"},
    ),
    Package(
        "@tabler/icons",
        "3.51.0",
        "MIT",
        "sha512-0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
        {"LICENSE": "static/vendor/tabler-icons/LICENSE"},
        icons=True,
    ),
    Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        "sha512-OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPPwHcdkF6b1oUA==",
        {
            "files/inter-latin-wght-normal.woff2": "static/vendor/inter/inter-latin.woff2",
            "files/inter-latin-ext-wght-normal.woff2": "static/vendor/inter/inter-latin-ext.woff2",
            "LICENSE": "static/vendor/inter/LICENSE",
        },
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "0BSD",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        {"dist/htmx.min.js": "static/vendor/htmx/htmx.min.js", "LICENSE": "static/vendor/htmx/LICENSE"},
    ),
    Package(
        "chart.js",
        "4.6.1",
        "MIT",
        "sha512-hJyniucsFmq//EvXYvJ6c6mahPoI3kaxdjVH8awTaJ/fDNWeSqqqArixMJWkWNN6fcYvPU3HneSANFNYtRi61g==",
        {
            "dist/chart.umd.min.js": "static/vendor/chart.js/chart.umd.min.js",
            "LICENSE.md": "static/vendor/chart.js/LICENSE.md",
        },
    ),
    Package(
        "@wppconnect/wa-js",
        "4.6.0",
        "Apache-2.0",
        "sha512-epf+ucZO9c25dCaGraslVNHB1mRjid7rfijZhKbalXed/gbDzi6u69wdHCgPbcZW9McVpKmVW+3AzffI39p2SQ==",
        {
            "dist/wppconnect-wa.js": "static/vendor/wa-js/wppconnect-wa.js",
            "dist/wppconnect-wa.js.LICENSE.txt": "static/vendor/wa-js/wppconnect-wa.js.LICENSE.txt",
            "LICENSE": "static/vendor/wa-js/LICENSE",
        },
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {"axe.min.js": "tests/vendor/axe-core/axe.min.js", "LICENSE": "tests/vendor/axe-core/LICENSE"},
    ),
    # The verifier that receivers use, and what it needs, for a test: it runs without npm and network.
    Package(
        "standardwebhooks",
        "1.1.1",
        "MIT",
        "sha512-bCbX9ZEyFkWPsRz7Bl3NuQUJohmwGSev/yhr7vhaGPlc4AfIrspIRa6cPTBuI1ItmrTDJ4d/S2hCsfe4+vQGnQ==",
        {
            name: f"tests/vendor/node/standardwebhooks/{name}"
            for name in ("package.json", "dist/index.js", "dist/timing_safe_equal.js")
        },
        own={"scripts/licences/standardwebhooks.txt": "tests/vendor/node/standardwebhooks/LICENSE"},
    ),
    Package(
        "@stablelib/base64",
        "1.0.1",
        "MIT",
        "sha512-1bnPQqSxSuc3Ii6MhBysoWCg58j97aUjuCSZrGSmDxNqtytIi0k8utUenAwTZN4V5mXXYGsVUI9zeBqy+jBOSQ==",
        {
            name: f"tests/vendor/node/@stablelib/base64/{name}"
            for name in ("package.json", "lib/base64.js", "LICENSE")
        },
    ),
    Package(
        "fast-sha256",
        "1.3.0",
        "Unlicense",
        "sha512-n11RGP/lrWEFI/bWdygLxhI+pVeo1ZYIVwvvPkW7azl/rOy+F3HYRZ2K5zeE9mmkhQppyv9sQFx0JM9UabnpPQ==",
        {name: f"tests/vendor/node/fast-sha256/{name}" for name in ("package.json", "sha256.js", "LICENSE")},
    ),
)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(package: Package, into: Path) -> Path:
    """Download and unpack one package; returns its folder. Raises SystemExit if it is not what was pinned."""
    wanted = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--json", "--silent", "--pack-destination", str(into), wanted]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    parsed = json.loads(answer)
    packed = next(iter(parsed.values())) if isinstance(parsed, dict) else parsed[0]
    if packed["integrity"] != package.integrity:
        raise SystemExit(f"{wanted}: integrity is {packed['integrity']}, not the pinned one")
    folder = into / re.sub(r"\W+", "-", package.name)
    with tarfile.open(into / packed["filename"]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def clean(path: str, content: bytes) -> bytes:
    """Source map references go: the maps are not kept, and the manifest storage would look for them."""
    if path.endswith(".js"):
        return re.sub(rb"\n?//# sourceMappingURL=\S*", b"", content)
    if path.endswith(".css"):
        return re.sub(rb"\n?/\*# sourceMappingURL=[^*]*\*/", b"", content)
    return content


def install(package: Package, source: Path) -> dict[str, str]:
    """Write one package's files; returns path -> SHA-256."""
    written = {target: clean(name, (source / name).read_bytes()) for name, target in package.files.items()}
    written |= {target: (ROOT / name).read_bytes() for name, target in package.own.items()}
    if package.icons:
        written[SPRITE] = sprite(source / "icons" / "outline").encode()
    for target, content in written.items():
        path = ROOT / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {target: digest(ROOT / target) for target in sorted(written)}


def sprite(folder: Path) -> str:
    """One SVG with a <symbol> for each name in scripts/icons.txt; stroke and fill come from its user."""
    symbols = []
    for name in ICON_NAMES.read_text().split():
        drawing = (folder / f"{name}.svg").read_text()
        body = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        if body is None:
            raise SystemExit(f"{name}.svg is not an SVG drawing")
        shapes = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", body[1])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(shapes.split())}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def update() -> None:
    """Fetch everything and write the manifest."""
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            files = install(package, fetch(package, Path(folder)))
            entries.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "integrity": package.integrity,
                    "files": files,
                }
            )
    MANIFEST.write_text(json.dumps({"packages": entries}, indent=2) + "\n")


def problems() -> Iterator[str]:
    """Yield what differs between the repository and its manifest, one sentence each."""
    listed: dict[str, str] = {}
    for package in json.loads(MANIFEST.read_text())["packages"]:
        listed |= package["files"]
    for name, expected in listed.items():
        path = ROOT / name
        if not path.is_file():
            yield f"{name} is in the manifest but missing"
        elif digest(path) != expected:
            yield f"{name} was changed: its SHA-256 is not the manifest's"
    for folder in VENDORED_DIRS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and path != MANIFEST and name not in listed:
                yield f"{name} is not in the manifest"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only compare the files with the manifest")
    if not parser.parse_args().check:
        update()
    found = list(problems())
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
