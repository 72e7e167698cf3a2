"""Every endpoint of the specification is there under its method and path, and has a test named after it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from drf_spectacular.validation import validate_schema

from tests.api.routes import calls
from whatsflow.api_docs import document

SPECIFIED = """
    POST /auth/register
    POST /auth/login
    POST /auth/refresh
    POST /auth/logout
    GET /whatsapp/status
    POST /whatsapp/connect
    POST /whatsapp/disconnect
    GET /whatsapp/qr
    GET /contacts
    GET /contacts/:id
    POST /contacts
    PUT /contacts/:id
    DELETE /contacts/:id
    POST /contacts/:id/tags
    DELETE /contacts/:id/tags/:tagId
    GET /messages
    GET /messages/:id
    POST /messages/send
    GET /messages/contact/:contactId
    GET /tags
    POST /tags
    PUT /tags/:id
    DELETE /tags/:id
    GET /campaigns
    GET /campaigns/:id
    POST /campaigns
    PUT /campaigns/:id
    DELETE /campaigns/:id
    POST /campaigns/:id/send
    GET /analytics/overview
    GET /analytics/messages
    GET /analytics/contacts
    GET /analytics/campaigns/:id
    GET /webhooks
    POST /webhooks
    PUT /webhooks/:id
    DELETE /webhooks/:id
"""
ENDPOINTS = [tuple(line.split()) for line in SPECIFIED.strip().splitlines()]
UNNAMED = re.compile(r":\w+|{\w+}")


def test_name(method: str, path: str) -> str:
    """How a test of this endpoint begins: `PUT /tags/:id` -> `test_put_tags_id`."""
    return f"test_{method.lower()}{UNNAMED.sub('id', path).replace('/', '_')}"


test_name.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def description() -> dict:
    return json.loads(document())


def test_every_specified_endpoint_is_described_under_its_method_and_path(description: dict) -> None:
    there = {
        (method.upper(), UNNAMED.sub("id", path.removeprefix("/api/v1")))
        for path, item in description["paths"].items()
        for method in item
    }
    assert not {(method, UNNAMED.sub("id", path)) for method, path in ENDPOINTS} - there


def test_every_specified_endpoint_has_a_test_named_after_it() -> None:
    names = {test_name(*endpoint) for endpoint in ENDPOINTS}
    written = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    found = set()
    for name in re.findall(r"^def (test_\w+)\(", written, re.MULTILINE):
        found.add(max((one for one in names if f"{name}_".startswith(f"{one}_")), key=len, default=""))
    assert not names - found


def test_the_description_is_valid_openapi_3_1(description: dict) -> None:
    validate_schema(description)


def test_every_reference_leads_to_a_component(description: dict) -> None:
    named = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', json.dumps(description)))
    there = {(kind, name) for kind, parts in description["components"].items() for name in parts}
    assert named - there == set()


def test_every_operation_is_described_with_its_errors_and_an_example_of_its_body(description: dict) -> None:
    faults = []
    for path, item in description["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            answers = set(operation["responses"])
            wanted = {
                "summary": operation["summary"],
                "description": operation["description"],
                "example": body is None or "example" in body,
                "default": "default" in answers,
                "429": "429" in answers,
                "401": not operation["security"] or {"401", "403"} <= answers,
                "404": "{" not in path or "404" in answers,
            }
            faults += [f"{method} {path}: no {name}" for name, there in wanted.items() if not there]
    assert not faults


def test_every_address_that_names_one_thing_can_be_replaced_and_changed_conditionally() -> None:
    """PUT and PATCH go together and know If-Match; what has one field alone is only replaced."""
    by_name: dict[str, dict[str, object]] = {}
    for call in calls():
        by_name.setdefault(call.name, {})[call.method] = call
    whole = {"business-origins", "contact-consent", "contact-note"}
    assert {name for name, methods in by_name.items() if "put" in methods and "patch" not in methods} == whole
    changing = [call for call in calls() if call.method in ("put", "patch")]
    assert [str(call) for call in changing if not call.operation.conditional] == []


def test_every_list_that_is_paged_has_an_order() -> None:
    paged = [call for call in calls() if call.operation.pages]
    assert paged
    assert [str(call) for call in paged if not call.operation.ordering] == []


def test_every_link_leads_to_an_operation_with_all_of_its_ids(description: dict) -> None:
    operations = {
        operation["operationId"]: path
        for path, item in description["paths"].items()
        for operation in item.values()
    }
    links = [
        link
        for item in description["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 100
    for link in links:
        wanted = set(re.findall(r"{(\w+)}", operations[link["operationId"]]))
        assert set(link["parameters"]) == wanted
