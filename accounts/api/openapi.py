"""OpenAPI 3.1 description, generated from the declarations of operations.

`OperationSchema` overrides private methods of drf-spectacular until the endpoints are plain framework views: see
docs/decisions/api-description.md.
"""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import Any, cast

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.operations import Operation
from accounts.api.query_params import parameters_of
from accounts.scopes import READ, WRITE, scope
from accounts.services import idempotency
from core.api import openapi_links
from core.api.fields import QueryList
from core.api.framework import CamelCaseSerializer
from core.text import camel

ERRORS: dict[int, str] = {
    400: "Something that was sent has not the right form; `details` names each field or parameter.",
    401: "No credential, or one that is not valid (any more).",
    403: "The credential does not allow it: role, scope or address.",
    404: "There is no such thing in this business.",
    409: "It cannot be done in the state in which the thing is.",
    412: "The thing has another version than If-Match says.",
    413: "The body is too large.",
    415: "The body has a media type that this operation does not take.",
    422: "The form is right, but a rule says no; `code` says which.",
    429: "Too many requests; Retry-After says when to come back.",
    502: "Another server could not be reached.",
    503: "The server is busy. Try again in a moment.",
    504: "Another server did not answer in time.",
    507: "There is no room left for files.",
}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Every answer that says no. `code` is stable; `message` is for people.",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "examples": ["not_found"]},
                "message": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["code", "message", "field"],
                        "properties": {
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                            "field": {"type": ["string", "null"]},
                        },
                    },
                },
            },
        },
    },
}


class OperationSchema(AutoSchema):
    """Schema generator of one operation of an Endpoint."""

    view: Any

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        """Return the OpenAPI object of an operation."""
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method.upper()
        declared: Operation = self.view.method(self.view.action)
        described: dict[str, Any] = {
            "operationId": self._identity(),
            "summary": declared.summary,
            "description": self._description(declared),
            "tags": [self.view.section],
            "parameters": self._parameters(declared),
            "responses": self._responses(declared),
            "security": [] if declared.public else self._security(declared),
        }
        if declared.body is not None:
            described["requestBody"] = self._request_body(declared)
        return described

    def _identity(self) -> str:
        name = type(self.view).__name__
        return f"{name[:1].lower()}{name[1:]}_{camel(self.view.action)}"

    def _description(self, declared: Operation) -> str:
        text = inspect.cleandoc(getattr(self.view, self.view.action).__doc__ or "")
        if declared.public or declared.personal or declared.unscoped:
            return text
        level = WRITE if declared.needs_writing(self.method) else READ
        needs = f"An API key needs the scope `{scope(self.view.resource, level)}`."
        return f"{text}\n\n{needs}".strip()

    def _security(self, declared: Operation) -> list[dict[str, list[str]]]:
        token: dict[str, list[str]] = {"bearer": []}
        return [token] if declared.personal else [token, {"apiKey": []}]

    # -- requests ----------------------------------------------------------------------------------

    def _parameters(self, declared: Operation) -> list[dict[str, Any]]:
        parameters = self._resolve_path_parameters(re.findall(r"{(\w+)}", self.path))
        for name, field in parameters_of(declared)().fields.items():
            parameters.append(self._query_parameter(camel(name), field))
        if declared.repeatable(self.method):
            parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
        if declared.conditional:
            parameters.append({"$ref": "#/components/parameters/IfMatch"})
        return parameters

    def _query_parameter(self, name: str, field: serializers.Field) -> dict[str, Any]:
        schema = dict(self._map_serializer_field(field, "request") or {})
        self._insert_field_validators(field, schema)
        described = {"name": name, "in": "query", "required": field.required}
        if text := schema.pop("description", None) or field.help_text:
            described["description"] = str(text)
        if isinstance(field, QueryList):
            described |= {"style": "form", "explode": False}
        return {**described, "schema": schema}

    def _request_body(self, declared: Operation) -> dict[str, Any]:
        schema, required = self._get_request_for_media_type(declared.body, "request")
        media = "multipart/form-data" if declared.multipart else "application/json"
        content: dict[str, Any] = {"schema": schema}
        if declared.example is not None:
            content["example"] = declared.example
        return {"required": bool(required) or self.method == "PATCH", "content": {media: content}}

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """Rename properties to camelCase. Requests are closed; in responses nothing is required, due to `fields`."""
        schema = super()._map_basic_serializer(serializer, direction)
        if not isinstance(serializer, CamelCaseSerializer):
            return schema
        schema["properties"] = {camel(name): value for name, value in schema.get("properties", {}).items()}
        required = [camel(name) for name in schema.pop("required", [])]
        if direction == "response":
            for described in schema["properties"].values():
                described.pop("minLength", None)  # stored texts may be empty
        if direction == "request":
            for name, field in serializer.fields.items():
                if isinstance(field, serializers.FileField):
                    binary = {
                        "type": "string",
                        "format": "binary",
                        "minLength": 0 if field.allow_empty_file else 1,
                    }
                    schema["properties"][camel(name)] |= binary
            schema["additionalProperties"] = False
            if required:
                schema["required"] = required
        return schema

    # -- responses ---------------------------------------------------------------------------------

    def _responses(self, declared: Operation) -> dict[str, Any]:
        status = declared.status if declared.answer or declared.binary else 204
        success: dict[str, Any] = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(declared, self.method),
        }
        if declared.answer:
            success["content"] = {"application/json": {"schema": self._envelope(declared)}}
        elif declared.binary:
            success["content"] = {declared.binary: {"schema": {"type": "string", "format": "binary"}}}
        responses = {str(status): success}
        if self.method == "GET" and declared.answer and not declared.many:
            responses["304"] = {"description": "It is still as If-None-Match says."}
        for code in sorted(_refusals(declared, self.method, self.path)):
            responses[str(code)] = {"$ref": f"#/components/responses/{_name(code)}"}
        responses["default"] = {"$ref": "#/components/responses/Error"}
        return responses

    def _envelope(self, declared: Operation) -> dict[str, Any]:
        component = self.resolve_serializer(cast(Any, declared.answer), "response")
        data = {"type": "array", "items": component.ref} if declared.many else component.ref
        schema = {
            "type": "object",
            "required": ["success", "data"],
            "properties": {"success": {"const": True}, "data": data},
        }
        if declared.pages:
            kind = "CursorMeta" if declared.pages == "cursor" else "PageMeta"
            schema["properties"]["meta"] = {"$ref": f"#/components/schemas/{kind}"}  # type: ignore[index]
            schema["required"] = ["success", "data", "meta"]
        return schema


def _name(code: int) -> str:
    return HTTPStatus(code).phrase.title().replace(" ", "").replace("-", "")


def _refusals(declared: Operation, method: str, path: str) -> set[int]:
    codes = {429, *declared.fails}
    if declared.body or parameters_of(declared)().fields:
        codes |= {400}
    if declared.body:
        codes |= {413, 415}
    if not declared.public:
        codes |= {401, 403, 404}
    if method != "GET":
        codes |= {400, 409, 422}
    if parameters_of(declared)().fields:
        codes |= {422}
    if declared.conditional:
        codes |= {412}
    return codes


def _headers(declared: Operation, method: str) -> dict[str, Any]:
    kinds = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-Id"]
    if declared.answer and not declared.many and method in ("GET", "PUT", "PATCH"):
        kinds.append("ETag")
    if declared.repeatable(method):
        kinds.append("Idempotency-Replayed")
    return {kind: {"$ref": f"#/components/headers/{kind}"} for kind in kinds}


def complete(result: dict[str, Any], generator: Any, request: Request | None, public: bool) -> dict[str, Any]:
    """Post-process the description: shared components, links, and path parameters in camelCase."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(
        Error=ERROR_SCHEMA, CursorMeta=_CURSOR_META, PageMeta=_PAGE_META
    )
    components["responses"] = {_name(code): _failure(text) for code, text in ERRORS.items()}
    components["responses"]["TooManyRequests"]["headers"] = {
        "Retry-After": {"$ref": "#/components/headers/Retry-After"}
    }
    components["responses"]["Error"] = _failure("Anything else that went wrong.")
    components["headers"], components["parameters"] = _HEADER_KINDS, _PARAMETERS
    components["securitySchemes"] = _SCHEMES
    _clean(result)
    result["paths"] = {_camel_path(path): _camel_parameters(item) for path, item in result["paths"].items()}
    openapi_links.add(result["paths"], components["schemas"])
    return result


def _clean(node: Any) -> None:
    """Remove the generator's internal markers."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict):
            value.pop("x-spec-enum-id", None)
        if isinstance(value, dict | list):
            _clean(value)


def _camel_path(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda match: "{" + camel(match[1]) + "}", path)


def _camel_parameters(item: dict[str, Any]) -> dict[str, Any]:
    for described in item.values():
        for parameter in described.get("parameters", []):
            if parameter.get("in") == "path":
                parameter["name"] = camel(parameter["name"])
    return item


def _failure(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


_CURSOR = {
    "type": ["string", "null"],
    "description": "Give it as `cursor` for that page; null: there is none.",
}
_CURSOR_META = {
    "type": "object",
    "required": ["nextCursor", "previousCursor"],
    "properties": {"nextCursor": _CURSOR, "previousCursor": _CURSOR},
}
_PAGE_META = {
    "type": "object",
    "required": ["page", "limit", "total", "totalPages"],
    "properties": {name: {"type": "integer"} for name in ("page", "limit", "total", "totalPages")},
}
_HEADER_KINDS: dict[str, Any] = {
    name: {"description": text, "schema": {"type": kind}}
    for name, kind, text in (
        ("RateLimit-Limit", "integer", "Requests allowed in a minute."),
        ("RateLimit-Remaining", "integer", "Requests left in this minute."),
        ("RateLimit-Reset", "integer", "Seconds until the next minute begins."),
        ("Retry-After", "integer", "Seconds after which to try again."),
        ("X-Request-Id", "string", "The id of this request in the server's log."),
        ("ETag", "string", "The version of what is told here; for If-Match and If-None-Match."),
        ("Idempotency-Replayed", "string", "`true` when this answer was given before."),
    )
}
_PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A text of your own (printable ASCII), new for each request. Sent again within 24 hours, it "
        "brings the first request's answer and does nothing. 422 with another body; 409 while the first still runs.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": idempotency.MAX_KEY_LENGTH,
            "pattern": idempotency.KEY,
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that you have read: 412 when somebody has changed the thing since.",
        "schema": {"type": "string"},
    },
}
_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or an access token from auth/login. People with several businesses choose one by "
        "X-Business-Id.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
