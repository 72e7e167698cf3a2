"""OpenAPI links: connect the ids of a response to the operations that take them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PARAMETER = re.compile(r"{(\w+)}")


def add(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add link objects to all responses of the description.

    Operations that create or list a resource lead to those on one of them, and these to its sub-resources; ids of other
    resources lead to the operation that reads them.
    """
    linker = _Linker(paths, schemas, _item_paths(paths, schemas))
    for path, item in paths.items():
        for method, operation in item.items():
            response = _response(operation)
            if response is not None and (links := dict(linker.links(path, method, response))):
                response["links"] = links


@dataclass(frozen=True)
class _Linker:
    """Builder of links. item_paths: name of a schema -> path of one such resource, ending in its id."""

    paths: dict[str, Any]
    schemas: dict[str, Any]
    item_paths: dict[str, str]

    def links(self, path: str, method: str, response: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield (name, link object) for the response of an operation."""
        is_list, schema_name = _is_list(response), _schema_name(response)
        path_ids = {name: f"$request.path.{name}" for name in _PARAMETER.findall(path)}
        if path.endswith("}") and method == "get" and not is_list:
            for sub_path in self.paths:
                if sub_path.startswith(f"{path}/"):
                    yield from self._links_to(sub_path, path_ids)
        properties = self.schemas.get(schema_name, {}).get("properties", {})
        pointer = "$response.body#/data/0/" if is_list else "$response.body#/data/"
        item_path = self._item_path(path, schema_name)
        if item_path and not path.endswith("}") and "id" in properties:
            sources = {**path_ids, _id_parameter(item_path): f"{pointer}id"}
            yield from self._links_to(
                item_path, sources, only="get" if is_list and "get" in self.paths[item_path] else ""
            )
        for other in self.item_paths.values():
            if (
                other not in (item_path, path)
                and properties.get(_id_parameter(other), {}).get("type") == "string"
            ):  # never null
                yield from self._links_to(
                    other, {_id_parameter(other): f"{pointer}{_id_parameter(other)}"}, only="get"
                )

    def _item_path(self, path: str, schema_name: str) -> str:
        sub_path = re.compile(re.escape(path) + r"/{\w+}")
        return next(
            (candidate for candidate in self.paths if sub_path.fullmatch(candidate)), ""
        ) or self.item_paths.get(schema_name, "")

    def _links_to(self, path: str, sources: dict[str, str], only: str = "") -> Iterator[tuple[str, Any]]:
        """Yield links to the operations of `path`, if all of its ids are known. only: method; "" for all."""
        names = _PARAMETER.findall(path)
        if set(names) <= set(sources):
            for method, operation in self.paths[path].items():
                if not only or method == only:
                    name = operation["operationId"]
                    yield (
                        name,
                        {
                            "operationId": name,
                            "parameters": {parameter: sources[parameter] for parameter in names},
                        },
                    )


def _item_paths(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, str]:
    result = {}
    for path, item in paths.items():
        response = _response(item.get("get", {}))
        is_item = path.endswith("}") and len(_PARAMETER.findall(path)) == 1
        if response is None or not is_item or _is_list(response):
            continue
        if "id" in schemas[_schema_name(response)]["properties"]:
            result[_schema_name(response)] = path
    return result


def _id_parameter(path: str) -> str:
    """Return the name of the last path parameter."""
    return str(_PARAMETER.findall(path)[-1])


def _response(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the successful response if it is JSON."""
    responses = operation.get("responses", {})
    result = responses.get("200") or responses.get("201") or {}
    return result if "application/json" in result.get("content", {}) else None


def _data(response: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = response["content"]["application/json"]["schema"]["properties"]["data"]
    return data


def _is_list(response: dict[str, Any]) -> bool:
    return _data(response).get("type") == "array"


def _schema_name(response: dict[str, Any]) -> str:
    """Return the name of the schema of the response's data."""
    data = _data(response)
    return str(data.get("items", data).get("$ref", "")).rpartition("/")[2]
