"""Links of the API's description: where the ids of an answer lead, so that tools go from one operation to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PARAMETER = re.compile(r"{(\w+)}")


def add(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Link what makes or lists things to what is done with one of them, that to what lies beneath it, and ids of other
    things to where those are read.
    """
    linker = _Linker(paths, schemas, _homes(paths, schemas))
    for path, item in paths.items():
        for method, operation in item.items():
            answer = _answer(operation)
            if answer is not None and (links := dict(linker.links(path, method, answer))):
                answer["links"] = links


@dataclass(frozen=True)
class _Linker:
    """homes: where a thing is read: the name of its schema -> path with its id at the end."""

    paths: dict[str, Any]
    schemas: dict[str, Any]
    homes: dict[str, str]

    def links(self, path: str, method: str, answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Link objects by name."""
        many, thing = _many(answer), _thing(answer)
        given = {name: f"$request.path.{name}" for name in _PARAMETER.findall(path)}
        if path.endswith("}") and method == "get" and not many:
            for beneath in self.paths:
                if beneath.startswith(f"{path}/"):
                    yield from self._to(beneath, given)
        told = self.schemas.get(thing, {}).get("properties", {})
        place = "$response.body#/data/0/" if many else "$response.body#/data/"
        home = self._home(path, thing)
        if home and not path.endswith("}") and "id" in told:
            sources = {**given, _own(home): f"{place}id"}
            yield from self._to(home, sources, only="get" if many and "get" in self.paths[home] else "")
        for other in self.homes.values():
            if other not in (home, path) and told.get(_own(other), {}).get("type") == "string":  # never null
                yield from self._to(other, {_own(other): f"{place}{_own(other)}"}, only="get")

    def _home(self, path: str, thing: str) -> str:
        beneath = re.compile(re.escape(path) + r"/{\w+}")
        return next((one for one in self.paths if beneath.fullmatch(one)), "") or self.homes.get(thing, "")

    def _to(self, path: str, sources: dict[str, str], only: str = "") -> Iterator[tuple[str, Any]]:
        """Links to the operations of `path`, if all of its ids are known."""
        names = _PARAMETER.findall(path)
        if set(names) <= set(sources):
            for method, operation in self.paths[path].items():
                if not only or method == only:
                    name = operation["operationId"]
                    yield name, {"operationId": name, "parameters": {one: sources[one] for one in names}}


def _homes(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, str]:
    found = {}
    for path, item in paths.items():
        answer = _answer(item.get("get", {}))
        alone = path.endswith("}") and len(_PARAMETER.findall(path)) == 1
        if answer is None or not alone or _many(answer):
            continue
        if "id" in schemas[_thing(answer)]["properties"]:
            found[_thing(answer)] = path
    return found


def _own(path: str) -> str:
    """The parameter at the end."""
    return str(_PARAMETER.findall(path)[-1])


def _answer(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The good answer, when it is JSON."""
    answers = operation.get("responses", {})
    found = answers.get("200") or answers.get("201") or {}
    return found if "application/json" in found.get("content", {}) else None


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = answer["content"]["application/json"]["schema"]["properties"]["data"]
    return told


def _many(answer: dict[str, Any]) -> bool:
    return _data(answer).get("type") == "array"


def _thing(answer: dict[str, Any]) -> str:
    """The name of the schema of what is told."""
    data = _data(answer)
    return str(data.get("items", data).get("$ref", "")).rpartition("/")[2]
