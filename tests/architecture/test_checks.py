"""What an unsafe start is refused for."""

import base64
import os
import secrets
from typing import Any

import pytest

from whatsflow import checks

SAFE = {
    "WHATSFLOW_PRODUCTION": "1",
    "WHATSFLOW_URL": "https://chat.example.com",
    "WHATSFLOW_BEHIND_PROXY": "1",
    "WHATSFLOW_SECRET_KEY": secrets.token_urlsafe(64),
    "WHATSFLOW_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
}
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}


@pytest.fixture
def production(settings: Any) -> Any:
    """Settings of a safe production start on PostgreSQL and Redis."""
    settings.PRODUCTION = True
    settings.DEBUG = False
    settings.FAILPOINTS = ""
    settings.HTTPS = True
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    settings.OUTBOUND_HTTP_ALLOWED_HOSTS = []
    settings.SECRET_KEY_MISSING = False
    settings.SECRET_KEY = SAFE["WHATSFLOW_SECRET_KEY"]
    settings.ENCRYPTION_KEYS = [SAFE["WHATSFLOW_ENCRYPTION_KEY"]]
    settings.DATABASES = POSTGRES
    settings.REDIS_URL = "redis://localhost"
    return settings


def test_a_safe_start_is_let_through(production: Any) -> None:
    assert checks.find_errors() == []
    assert checks.check_configuration(None) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", True, "WHATSFLOW_DEBUG"),
        ("FAILPOINTS", "outbox.begun:/tmp/x", "WHATSFLOW_FAILPOINTS"),
        ("SECRET_KEY_MISSING", True, "WHATSFLOW_SECRET_KEY is not set"),
        ("SECRET_KEY", "short", "too short"),
        ("SECRET_KEY", "a" * 80, "not random"),
        ("SECRET_KEY", "django-insecure-" + "abcdefghij" * 6, "published default"),
        ("ENCRYPTION_KEYS", [], "WHATSFLOW_ENCRYPTION_KEY is not set"),
        ("ENCRYPTION_KEYS", ["not base64!"], "is not valid base64url"),
        ("ENCRYPTION_KEYS", ["é"], "is not valid base64url"),
        ("ENCRYPTION_KEYS", ["YWJj"], "has 3 bytes instead of 32"),
        ("ENCRYPTION_KEYS", [base64.urlsafe_b64encode(bytes(32)).decode()], "is not random"),
        ("HTTPS", False, "not an https:// address"),
        ("ALLOWED_HOSTS", ["*"], "allows every host name"),
        ("OUTBOUND_HTTP_ALLOWED_HOSTS", ["localhost:9000"], "WHATSFLOW_HTTP_ALLOWED_HOSTS"),
        ("DATABASES", SQLITE, "SQLite cannot serve several processes"),
    ],
)
def test_each_unsafe_setting_is_named_with_what_to_do(
    production: Any, name: str, value: Any, said: str
) -> None:
    setattr(production, name, value)
    problems = checks.find_errors()
    assert any(said in problem.msg for problem in problems), problems
    assert all(problem.hint for problem in problems)


def test_no_message_repeats_a_key(production: Any) -> None:
    production.SECRET_KEY = "visible-secret"
    production.ENCRYPTION_KEYS = ["visible-encryption"]
    said = " ".join(f"{problem.msg} {problem.hint}" for problem in checks.find_errors())
    assert "visible" not in said


def test_one_key_for_both_purposes_is_refused(production: Any) -> None:
    production.SECRET_KEY = production.ENCRYPTION_KEYS[0]
    assert any("the same" in problem.msg for problem in checks.find_errors())


def test_one_role_on_sqlite_is_refused_everywhere(production: Any) -> None:
    production.PRODUCTION = False
    production.DATABASES = SQLITE
    production.REDIS_URL = ""
    assert checks.find_errors("all") == []
    assert [problem.id for problem in checks.find_errors("worker")] == ["whatsflow.E004"]


def test_development_is_left_alone(production: Any) -> None:
    production.PRODUCTION = False
    production.DEBUG = True
    production.HTTPS = False
    production.SECRET_KEY = "short"
    assert checks.find_errors() == []
