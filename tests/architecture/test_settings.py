"""The environment, and what it makes of the settings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = re.compile(r'env\.\w+\(\s*"([A-Z_0-9]+)"')


def read(home: Path, *names: str, **environment: str) -> dict[str, object]:
    """What the named settings are in a fresh process with this environment."""
    code = (
        "import json, sys; from whatsflow import settings; "
        "json.dump({n: getattr(settings, n) for n in sys.argv[1:]}, sys.stdout, default=str)"
    )
    basic = {"PATH": os.environ["PATH"], "WHATSFLOW_NO_DOTENV": "1", "WHATSFLOW_HOME": str(home)}
    command = [sys.executable, "-c", code, *names]
    result = subprocess.run(
        command, env={**basic, **environment}, cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    return json.loads(result.stdout)


def test_every_variable_is_explained() -> None:
    asked = set(NAMES.findall((ROOT / "whatsflow" / "settings.py").read_text()))
    example = (ROOT / ".env.example").read_text()
    operations = (ROOT / "docs" / "operations.md").read_text()
    hidden = {"WHATSFLOW_FAILPOINTS"}
    assert asked
    assert {variable for variable in asked - hidden if f"{variable}=" not in example} == set()
    assert {variable for variable in asked - hidden if f"`{variable}`" not in operations} == set()


def test_nothing_set_is_one_process_on_sqlite(tmp_path: Path) -> None:
    found = read(tmp_path, "EMBEDDED", "DATABASES", "CELERY_BROKER_URL", "WEB_THREADS")
    assert found["EMBEDDED"] is True
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "whatsflow.sqlite3")  # type: ignore[index]
    assert str(found["CELERY_BROKER_URL"]).startswith("inproc://")
    assert found["WEB_THREADS"] == 2


def test_both_urls_are_postgresql_and_redis(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "EMBEDDED",
        "DATABASES",
        "CELERY_BROKER_URL",
        "REDIS_PREFIX",
        DATABASE_URL="postgres://user@db/name",
        REDIS_URL="redis://cache:6379/3",
    )
    assert found["EMBEDDED"] is False
    assert "postgresql" in str(found["DATABASES"])
    assert found["CELERY_BROKER_URL"] == "redis://cache:6379/3"
    assert found["REDIS_PREFIX"] == "whatsflow.3"


def test_the_server_need_not_keep_statements(tmp_path: Path) -> None:
    url = "postgres://user@db/name?sslmode=require"
    usual = read(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]  # type: ignore[index]
    assert usual == {"sslmode": "require", "prepare_threshold": 5}
    behind_a_pool = read(tmp_path, "DATABASES", DATABASE_URL=url, DATABASE_PREPARED_STATEMENTS="0")
    assert behind_a_pool["DATABASES"]["default"]["OPTIONS"] == {"sslmode": "require"}  # type: ignore[index]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file")
    found = read(tmp_path, "SECRET_KEY", WHATSFLOW_SECRET_KEY_FILE=str(secret))
    assert found["SECRET_KEY"] == "from-a-file"


def test_production_makes_no_keys_of_its_own(tmp_path: Path) -> None:
    found = read(tmp_path, "SECRET_KEY_MISSING", "ENCRYPTION_KEYS", WHATSFLOW_PRODUCTION="1")
    assert found == {"SECRET_KEY_MISSING": True, "ENCRYPTION_KEYS": []}
    assert not (tmp_path / "keys").exists()


def test_https_makes_cookies_strict(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_NAME", "SECURE_HSTS_SECONDS")
    found = read(tmp_path, *names, WHATSFLOW_PRODUCTION="1", WHATSFLOW_URL="https://chat.example.com")
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["CSRF_COOKIE_SECURE"] is True
    assert str(found["SESSION_COOKIE_NAME"]).startswith("__Host-")
    assert found["SECURE_HSTS_SECONDS"]


def test_pictures_in_a_bucket_pass_the_pages_policy(tmp_path: Path) -> None:
    given = {"WHATSFLOW_S3_BUCKET": "bakery", "WHATSFLOW_S3_ENDPOINT": "https://s3.example.com"}
    found = read(tmp_path, "CONTENT_SECURITY_POLICY", **given)
    directives = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]  # type: ignore[index]
    for name in ("img-src", "media-src"):
        assert "https://bakery.s3.example.com" in directives[name]
    assert directives["script-src"] == ["'self'"]
