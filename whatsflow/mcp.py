"""The Model Context Protocol at /mcp, so that assistants can use WhatsFlow: streamable HTTP, stateless, JSON answers.

Each tool is an operation of the REST API, described by the API's own description and carried out by the API itself with
the credential that came along. So scopes, roles, limits, audit and every rule are the API's; there is nothing here that
could differ. Served by the ASGI application: embedded by the one process, else by the role `live`.
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
SENDING = frozenset({"messages_send", "conversations_read", "contacts_create", "contactTags_create"})
"""Operations that change something and are offered nevertheless; of those that read, all are."""
LEFT_OUT = frozenset({"whatsApp_code", "connections_code", "auth_me"})
"""What an assistant must not see: a code links a phone."""
INSTRUCTIONS = (
    "WhatsFlow is a WhatsApp platform for businesses. Read contacts, conversations and messages, and send messages. "
    "Lists are paged: give `meta.nextCursor` as `cursor` for the next page. Ask the person before you send anything."
)

Send = Callable[[Any], Awaitable[None]]
PASSED_ON = frozenset(
    {
        *(b"authorization", b"x-api-key", b"x-business-id", b"host", b"origin"),
        *(b"x-forwarded-for", b"x-forwarded-proto"),
    }
)
"""Headers that say who calls, from where."""


@dataclass(frozen=True)
class Tool:
    """One operation as a tool. places: for each argument where it goes: path, query or body."""

    name: str
    method: str
    path: str
    described: types.Tool
    places: dict[str, str]


@cache
def tools() -> dict[str, Tool]:
    """name -> tool, made of the API's description."""
    api = json.loads(document())
    found: dict[str, Tool] = {}
    for path, item in api["paths"].items():
        for method, operation in item.items():
            name = operation["operationId"]
            answers = operation["responses"].get("200", {}).get("content", {})
            reads = method == "get" and "application/json" in answers and operation["security"]
            if (reads or name in SENDING) and name not in LEFT_OUT:
                found[name] = _tool(name, method, path, operation, api["components"]["schemas"])
    return found


def _tool(name: str, method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Tool:
    properties: dict[str, Any] = {}
    places: dict[str, str] = {}
    required: list[str] = []
    for parameter in operation["parameters"]:
        if parameter.get("in") in ("path", "query"):
            argument = parameter["name"]
            properties[argument] = {**parameter["schema"], "description": parameter.get("description", "")}
            places[argument] = parameter["in"]
            required += [argument] if parameter.get("required") else []
    if body := operation.get("requestBody"):
        schema = _whole(body["content"]["application/json"]["schema"], schemas)
        properties |= schema["properties"]
        places |= dict.fromkeys(schema["properties"], "body")
        required += schema.get("required", [])
    described = types.Tool(
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
    return Tool(name, method.upper(), path, described, places)


def _whole(schema: Any, schemas: dict[str, Any]) -> Any:
    """`schema` with what it refers to put in its place."""
    if isinstance(schema, list):
        return [_whole(one, schemas) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _whole(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {name: _whole(value, schemas) for name, value in schema.items()}


class McpEndpoint:
    """The ASGI application at /mcp. bridge: through which the API is asked."""

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
        """Refuse who has no valid credential as the API does; else serve one request."""
        refusal = await self._refusal(scope)
        if refusal is not None:
            await _pass_on(refusal, send)
            return
        manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=MAX_BODY
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _refusal(self, scope: dict[str, Any]) -> WsgiResponse | None:
        """What the API says to the caller, unless it knows them. Pages of other sites are refused by the API, too."""
        answer = await self._ask(scope, "GET", "/api/v1/auth/me")
        return None if answer.status == 200 else answer

    async def _list(self, context: Any, params: Any) -> types.ListToolsResult:
        known = await asyncio.to_thread(tools)  # the first time takes a second
        return types.ListToolsResult(tools=[tool.described for tool in known.values()])

    async def _call(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = (await asyncio.to_thread(tools)).get(params.name)
        arguments = dict(params.arguments or {})
        unknown = sorted(set(arguments) - set(tool.places)) if tool else []
        if tool is None or unknown:
            return _result(
                f"There is no {'argument ' + unknown[0] if unknown else 'tool ' + params.name}.", True
            )
        path, query, body = _placed(tool, arguments)
        content = json.dumps(body).encode() if tool.method != "GET" else b""
        address = f"{path}?{query}" if query else path
        answer = await self._ask(context.request.scope, tool.method, address, content)
        return _result(answer.first.decode(), answer.status >= 400)

    async def _ask(self, scope: dict[str, Any], method: str, address: str, body: bytes = b"") -> WsgiResponse:
        """The API's answer to a request with the credential of `scope`, from its address."""
        path, _, query = address.partition("?")
        headers = [(name, value) for name, value in scope["headers"] if name in PASSED_ON]
        headers += [(b"content-type", b"application/json")] if body else []
        inner = {**scope, "method": method, "path": path, "query_string": query.encode(), "headers": headers}
        return await self._bridge.call(inner, body)


def _placed(tool: Tool, arguments: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """(path, query, body) for these arguments."""

    def fill(found: re.Match[str]) -> str:
        return quote(str(arguments.get(found[1], "")), safe="")

    query = {
        name: ",".join(map(str, value)) if isinstance(value, list) else json.dumps(value).strip('"')
        for name, value in arguments.items()
        if tool.places[name] == "query"
    }
    body = {name: value for name, value in arguments.items() if tool.places[name] == "body"}
    return re.sub(r"{(\w+)}", fill, tool.path), urlencode(query), body


def _result(text: str, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)


async def _pass_on(answer: WsgiResponse, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.first})
