"""Base class of endpoints: authentication, authorisation, throttling, validation, pagination, response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from rest_framework import exceptions, parsers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.access import Access
from accounts.api import idempotency, throttling
from accounts.api.authentication import ApiAuthentication
from accounts.api.openapi import OperationSchema
from accounts.api.operations import Operation
from accounts.api.query_params import read_parameters
from accounts.models import BusinessProfile, User
from accounts.roles import Can
from accounts.scopes import READ, WRITE, Resource
from accounts.services import origins
from core import rate_limit
from core.api import etags
from core.api.framework import (
    CamelCaseSerializer,
    CursorPagination,
    EnvelopeRenderer,
    Page,
    PageNumberPagination,
)
from core.api.parsers import JSONParser
from core.errors import DomainError, Forbidden


class Endpoint(ViewSet):
    """Operations on one kind of resource. Subclasses declare methods with `@operation`.

    section: heading in the documentation. resource: whose scope a key needs. capability: required of the role for
    operations that write. Methods use `self.access`, `self.business`, `self.user`, `self.data` (validated body) and
    `self.query` (validated parameters), and return a row, a list, a QuerySet (paginated as declared), a `Page`, or a
    response. `current(**ids)` returns the addressed object, for If-Match.
    """

    section: ClassVar[str]
    resource: ClassVar[Resource]
    capability: ClassVar[Can]

    authentication_classes = (ApiAuthentication,)
    permission_classes = ()
    renderer_classes = (EnvelopeRenderer,)
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # browsers' OPTIONS: see CORS
    schema = OperationSchema()

    current: Callable[..., Any]
    operation: Operation
    data: dict[str, Any]
    query: dict[str, Any]
    http_request: HttpRequest
    _access: Access | None = None
    _window: rate_limit.Window | None = None

    @classmethod
    def method(cls, name: str) -> Operation:
        """Return the declaration of a method."""
        return cast(Operation, getattr(cls, name).operation)

    # -- caller ------------------------------------------------------------------------------------

    @property
    def access(self) -> Access:
        """The user's or key's access to the business."""
        assert self._access is not None, "public and personal operations have none"
        return self._access

    @property
    def business(self) -> BusinessProfile:
        """The business, from the credential."""
        return self.access.business

    @property
    def user(self) -> User:
        """The signed-in user, or the creator of the API key."""
        return cast(User, self.request.user)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Keep Django's request beside the framework's: middleware and django-axes share attributes of it."""
        self.http_request = request
        return super().initialize_request(request, *args, **kwargs)

    def get_parsers(self) -> list[Any]:
        """Return the multipart parser for uploads, else the JSON parser."""
        if self.request is None:  # for the description
            return [JSONParser()]
        action = self.action_map.get(str(self.request.method).lower())  # `self.action` is set after this
        multipart = action is not None and self.method(action).multipart
        return [parsers.MultiPartParser()] if multipart else [JSONParser()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, throttle, authorise and parse the query, before the method is called."""
        if self.action not in self.action_map.values():  # none, or the framework's "metadata" for OPTIONS
            raise exceptions.MethodNotAllowed(str(request.method))
        self.operation = self.method(str(self.action))
        request.accepted_renderer, request.accepted_media_type = EnvelopeRenderer(), "application/json"
        self._identify(request)
        self._authorise(request)
        self.query = read_parameters(self.operation, request)

    def _identify(self, request: Request) -> None:
        """Authenticate and throttle. Failed attempts count for the client address, against guessing."""
        plain = self.http_request
        try:
            user = request.user if not self.operation.public else None
        except (DomainError, exceptions.APIException):
            self._count(*throttling.caller(None, None, plain))
            raise
        known = user if user is not None and user.is_authenticated else None
        self._access = cast(Access | None, request.auth) if known else None
        self._count(*throttling.caller(self._access, cast(Any, known), plain))
        self._check_origin(plain)

    def _count(self, who: str, limit: int) -> None:
        self._window = rate_limit.hit("api", who, limit, rate_limit.MINUTE)
        if self._window.exceeded:
            raise throttling.refusal(self._window)

    def _check_origin(self, plain: HttpRequest) -> None:
        """Raise Forbidden for a cross-origin request from an origin that the business does not allow."""
        origin = plain.headers.get("Origin")
        if origin is None or self._access is None or origin == f"{plain.scheme}://{plain.get_host()}":
            return
        if not origins.is_allowed(origin, self.business):
            raise Forbidden(
                "This business does not allow calls from that web site.", code="origin_not_allowed"
            )

    def _authorise(self, request: Request) -> None:
        operation = self.operation
        if operation.public:
            return
        if not request.user.is_authenticated:
            raise exceptions.NotAuthenticated("Send an API key or an access token.")
        if operation.personal:
            if self._access is not None and self._access.key is not None:
                raise Forbidden("This is for people: sign in with auth/login.", code="people_only")
            return
        if operation.unscoped:
            return
        if self._access is None:
            raise Forbidden("You have no business yet. Create one with POST /business.", code="no_business")
        reads = not operation.needs_writing(str(request.method))
        self._access.require_scope(self.resource, READ if reads else WRITE)
        self._access.require(operation.can or (Can.VIEW if reads else self.capability))

    # -- request -----------------------------------------------------------------------------------

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Dispatch with `_answer` around the operation's method."""
        verb = str(request.method).lower()
        name = self.action_map.get(verb)
        if name is None:
            return super().dispatch(request, *args, **kwargs)
        method = getattr(self, name)
        setattr(self, verb, lambda request, **ids: self._answer(request, method, ids))
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            delattr(self, verb)
            self.__dict__.pop("response", None)  # breaks a reference cycle that would keep the response alive

    def _answer(self, request: Request, method: Any, ids: dict[str, Any]) -> HttpResponseBase:
        self.data = self._body(request)
        if self.operation.repeatable(str(request.method)):
            return idempotency.answer(self, request, lambda: self._carry_out(request, method, ids))
        return self._carry_out(request, method, ids)

    def _carry_out(self, request: Request, method: Any, ids: dict[str, Any]) -> HttpResponseBase:
        expected = request.headers.get("If-Match") if self.operation.conditional else None
        with etags.unchanged(expected, lambda: self.current(**ids), self._represent_current):
            result = method(request, **ids)
        if isinstance(result, HttpResponseBase):
            return result
        if self.operation.answer is None:
            return Response(status=204)
        return self._respond(request, result)

    def _body(self, request: Request) -> dict[str, Any]:
        body = self.operation.body
        if body is None:
            if request.method != "GET" and request.data not in ({}, None) and not self.operation.multipart:
                raise exceptions.ValidationError({"body": "This operation takes no body."}, "unknown_field")
            return {}
        if request.method == "PATCH" and request.stream is None:
            raise exceptions.ValidationError({"body": "Send what is to change."}, "required")
        serializer = body(data=request.data, partial=request.method == "PATCH", context={"endpoint": self})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Load related data of a page of rows. Hook for subclasses; does nothing here."""

    # -- response ----------------------------------------------------------------------------------

    def _respond(self, request: Request, result: Any) -> Response:
        operation = self.operation
        if isinstance(result, Page):
            self.prepare(result["data"])
            result["data"] = self._represent(result["data"], many=True)
            return Response(result, status=operation.status)
        if operation.many and operation.pages:
            return self._page(request, result)
        self.prepare(list(result) if operation.many else [result])
        if operation.many:
            return Response(self._represent(result, many=True), status=operation.status)
        whole, names = self._answer_of(operation).represent(result), self.query.get("fields")
        data = {name: whole[name] for name in whole if name in names} if names else whole
        response = Response(data, status=operation.status)
        if request.method in ("GET", "HEAD", "PUT", "PATCH"):
            response["ETag"] = tag = etags.tag_of(whole)
            seen = request.headers.get("If-None-Match")
            if request.method == "GET" and seen and etags.matches(seen, tag):
                return Response(status=304, headers={"ETag": tag})
        return response

    def _page(self, request: Request, rows: QuerySet[Any, Any]) -> Response:
        operation = self.operation
        order = self.query.get("order")
        paginator: Any = CursorPagination() if operation.pages == "cursor" else PageNumberPagination()
        if order:
            columns = operation.ordering[order.lstrip("-")]
            signed = tuple(f"-{column}" if order.startswith("-") else column for column in columns)
            self.cursor_ordering = signed
            rows = rows.order_by(*signed)
        page = paginator.paginate_queryset(rows, request, self)
        self.prepare(page)
        return cast(Response, paginator.get_paginated_response(self._represent(page, many=True)))

    def _represent(self, result: Any, *, many: bool) -> Any:
        serializer, names = self._answer_of(self.operation), self.query.get("fields")
        return (
            [serializer.represent(row, names) for row in result]
            if many
            else serializer.represent(result, names)
        )

    def _represent_current(self, row: Any) -> Any:
        """Represent the row as `retrieve` does, whatever the current operation returns."""
        self.prepare([row])
        return self._answer_of(self.method("retrieve")).represent(row)

    @staticmethod
    def _answer_of(operation: Operation) -> type[CamelCaseSerializer]:
        assert operation.answer is not None
        return operation.answer

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        """Add the headers of all responses: rate limit, Retry-After, WWW-Authenticate, Cache-Control."""
        response = super().finalize_response(request, cast(Response, response), *args, **kwargs)
        headers: Mapping[str, str] = self._window.headers if self._window else {}
        for name, value in headers.items():
            response[name] = value
        if response.status_code == 429:
            response.setdefault("Retry-After", "3600")
        if response.status_code == 401:
            response["WWW-Authenticate"] = ApiAuthentication().authenticate_header(request)
        response.setdefault("Cache-Control", "private, no-store")
        return response
