"""Model Context Protocol at /mcp, for assistants: streamable HTTP, stateless, JSON responses.

Each tool is an operation of the REST API, described in OpenAPI and executed by an internal request with
the caller's credential. So scopes, roles, limits, audit and all rules are those of the API. Served by the ASGI
application: by the embedded process, or by the role `live`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from core.web.wsgi_bridge import WsgiBridge, WsgiResponse
from whatsflow.api_docs import document

PATH = "/mcp"
MAX_BODY = 1024 * 1024
WRITING = frozenset({"messages_send", "conversations_read", "contacts_create", "contactTags_create"})
"""Writing operations that are offered; of reading ones all are, except EXCLUDED."""
EXCLUDED = frozenset({"whatsApp_code", "connections_code", "auth_me"})
"""Operations that are not offered: a code could be used to link a phone."""
INSTRUCTIONS = (
    "WhatsFlow is a WhatsApp platform for businesses. Read contacts, conversations and messages, and send messages. "
    "Lists are paged: give `meta.nextCursor` as `cursor` for the next page. Ask the person before you send anything."
)

Send = Callable[[Any], Awaitable[None]]
FORWARDED_HEADERS = frozenset(
    {
        *(b"authorization", b"x-api-key", b"x-business-id", b"host", b"origin"),
        *(b"x-forwarded-for", b"x-forwarded-proto"),
    }
)
"""Headers of the caller that identify credential, business and client address."""


@dataclass(frozen=True)
class Tool:
    """Operation as a tool. locations: argument -> "path", "query" or "body"."""

    name: str
    method: str
    path: str
    definition: types.Tool
    locations: dict[str, str]


@cache
def tools() -> dict[str, Tool]:
    """Build the tools, by name, from the API's description."""
    api = json.loads(document())
    result: dict[str, Tool] = {}
    for path, item in api["paths"].items():
        for method, operation in item.items():
            name = operation["operationId"]
            content = operation["responses"].get("200", {}).get("content", {})
            reads = method == "get" and "application/json" in content and operation["security"]
            if (reads or name in WRITING) and name not in EXCLUDED:
                result[name] = _tool(name, method, path, operation, api["components"]["schemas"])
    return result


def _tool(name: str, method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Tool:
    properties: dict[str, Any] = {}
    locations: dict[str, str] = {}
    required: list[str] = []
    for parameter in operation["parameters"]:
        if parameter.get("in") in ("path", "query"):
            argument = parameter["name"]
            properties[argument] = {**parameter["schema"], "description": parameter.get("description", "")}
            locations[argument] = parameter["in"]
            required += [argument] if parameter.get("required") else []
    if body := operation.get("requestBody"):
        schema = _resolve(body["content"]["application/json"]["schema"], schemas)
        properties |= schema["properties"]
        locations |= dict.fromkeys(schema["properties"], "body")
        required += schema.get("required", [])
    definition = types.Tool(
        name=name,
        title=operation["summary"],
        description=operation["description"],
        input_schema={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        annotations=types.ToolAnnotations(read_only_hint=method == "get", open_world_hint=method != "get"),
    )
    return Tool(name, method.upper(), path, definition, locations)


def _resolve(schema: Any, schemas: dict[str, Any]) -> Any:
    """Replace the references in `schema` by the schemas that they name."""
    if isinstance(schema, list):
        return [_resolve(item, schemas) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolve(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {name: _resolve(value, schemas) for name, value in schema.items()}


class McpEndpoint:
    """ASGI application at /mcp. bridge: executes the internal requests."""

    def __init__(self, bridge: WsgiBridge) -> None:
        self._bridge = bridge
        self._server: Server[Any] = Server(
            "whatsflow",
            title="WhatsFlow",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Serve one request. Without a valid credential the response is the API's error."""
        error = await self._error(scope)
        if error is not None:
            await _forward(error, send)
            return
        manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=MAX_BODY
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _error(self, scope: dict[str, Any]) -> WsgiResponse | None:
        """Return the API's error for an invalid credential or a disallowed origin, else None."""
        response = await self._request(scope, "GET", "/api/v1/auth/me")
        return None if response.status == 200 else response

    async def _list(self, context: Any, params: Any) -> types.ListToolsResult:
        known = await asyncio.to_thread(tools)  # the first time takes a second
        return types.ListToolsResult(tools=[tool.definition for tool in known.values()])

    async def _call(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = (await asyncio.to_thread(tools)).get(params.name)
        arguments = dict(params.arguments or {})
        unknown = sorted(set(arguments) - set(tool.locations)) if tool else []
        if tool is None or unknown:
            return _result(
                f"There is no {'argument ' + unknown[0] if unknown else 'tool ' + params.name}.", True
            )
        path, query, body = _distribute(tool, arguments)
        content = json.dumps(body).encode() if tool.method != "GET" else b""
        address = f"{path}?{query}" if query else path
        response = await self._request(context.request.scope, tool.method, address, content)
        return _result(response.first.decode(), response.status >= 400)

    async def _request(
        self, scope: dict[str, Any], method: str, address: str, body: bytes = b""
    ) -> WsgiResponse:
        """Execute an internal request with the credential and client address of `scope`."""
        path, _, query = address.partition("?")
        headers = [(name, value) for name, value in scope["headers"] if name in FORWARDED_HEADERS]
        headers += [(b"content-type", b"application/json")] if body else []
        inner = {**scope, "method": method, "path": path, "query_string": query.encode(), "headers": headers}
        return await self._bridge.call(inner, body)


def _distribute(tool: Tool, arguments: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Distribute the arguments to (path, query, body)."""

    def fill(match: re.Match[str]) -> str:
        return quote(str(arguments.get(match[1], "")), safe="")

    query = {
        name: ",".join(map(str, value)) if isinstance(value, list) else json.dumps(value).strip('"')
        for name, value in arguments.items()
        if tool.locations[name] == "query"
    }
    body = {name: value for name, value in arguments.items() if tool.locations[name] == "body"}
    return re.sub(r"{(\w+)}", fill, tool.path), urlencode(query), body


def _result(text: str, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)


async def _forward(response: WsgiResponse, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    await send({"type": "http.response.body", "body": response.first})
