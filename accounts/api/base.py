"""The base class of endpoints: authorises, counts, reads what was sent, calls the method, writes the answer."""

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
    """The operations on one kind of thing. Subclasses declare methods with `@operation` and return what to tell.

    section: heading in the documentation. resource: whose scopes a key needs. capability: what a role must allow for
    operations that write. In a method: `self.access`, `self.business`, `self.user`, `self.data` (the checked body),
    `self.query` (the checked parameters). It returns a row, a list, a QuerySet (which is paged as declared), a `Page`,
    or a finished response. `current(**ids)` gives the thing at this address, for If-Match.
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
        """What a method is declared with."""
        return cast(Operation, getattr(cls, name).operation)

    # -- who --------------------------------------------------------------------------------------

    @property
    def access(self) -> Access:
        """Who acts in which business."""
        assert self._access is not None, "public and personal operations have none"
        return self._access

    @property
    def business(self) -> BusinessProfile:
        """The business, from the credential."""
        return self.access.business

    @property
    def user(self) -> User:
        """The person who acts, or the one who made the key that does."""
        return cast(User, self.request.user)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Keep Django's request beside the framework's: middleware and django-axes share attributes of it."""
        self.http_request = request
        return super().initialize_request(request, *args, **kwargs)

    def get_parsers(self) -> list[Any]:
        """JSON; for uploads multipart."""
        if self.request is None:  # for the description
            return [JSONParser()]
        action = self.action_map.get(str(self.request.method).lower())  # `self.action` is set after this
        multipart = action is not None and self.method(action).multipart
        return [parsers.MultiPartParser()] if multipart else [JSONParser()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Everything that may refuse the request before its method is called."""
        if self.action not in self.action_map.values():  # none, or the framework's own for OPTIONS
            raise exceptions.MethodNotAllowed(str(request.method))
        self.operation = self.method(str(self.action))
        request.accepted_renderer, request.accepted_media_type = EnvelopeRenderer(), "application/json"
        self._identify(request)
        self._authorise(request)
        self.query = read_parameters(self.operation, request)

    def _identify(self, request: Request) -> None:
        """Who calls; those who are refused are counted by their address, so that nobody can go on guessing."""
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
        """A page of another site may act only in a business that has allowed that site."""
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

    # -- what -------------------------------------------------------------------------------------

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As the framework does it, with the operation's manners around the method."""
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
            self.__dict__.pop("response", None)  # else the answer, which points here, outlives its sending

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
        """Load what a page of rows shows beside its own columns. Nothing, unless an endpoint says so."""

    # -- answer -----------------------------------------------------------------------------------

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
        told = {name: whole[name] for name in whole if name in names} if names else whole
        response = Response(told, status=operation.status)
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
        found = paginator.paginate_queryset(rows, request, self)
        self.prepare(found)
        return cast(Response, paginator.get_paginated_response(self._represent(found, many=True)))

    def _represent(self, result: Any, *, many: bool) -> Any:
        answer, names = self._answer_of(self.operation), self.query.get("fields")
        return [answer.represent(row, names) for row in result] if many else answer.tell(result, names)

    def _represent_current(self, row: Any) -> Any:
        """As GET tells it, whatever the operation at hand answers."""
        self.prepare([row])
        return self._answer_of(self.method("retrieve")).represent(row)

    @staticmethod
    def _answer_of(operation: Operation) -> type[CamelCaseSerializer]:
        assert operation.answer is not None
        return operation.answer

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        """Headers that every answer has."""
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
