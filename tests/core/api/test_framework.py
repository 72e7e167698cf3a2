"""The API's door: envelope, errors, names and pages, through small views of our own."""

import json
from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, Throttled
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from contacts.models import Contact
from core.api.framework import CamelCaseSerializer, CursorPagination, PageNumberPagination
from core.errors import Conflict, InvalidInput, NotFound
from core.text import camel
from tests.factories import ContactFactory


class Open(APIView):
    authentication_classes = ()
    permission_classes = ()


def ask(view, method="get", data=None, path="/"):
    """The status, the headers and the parsed body of a view's rendered answer."""
    request = getattr(APIRequestFactory(), method)(path, data)
    response = view.as_view()(request).render()
    return response, json.loads(response.content) if response.content else None


def raising(error):
    class View(Open):
        def get(self, request):
            raise error

    return ask(View)


def answering(data, status=200):
    class View(Open):
        def get(self, request):
            return Response(data, status=status)

    return ask(View)


# -- envelope ----------------------------------------------------------------------------------------


def test_an_answer_is_wrapped():
    assert answering({"a": 1})[1] == {"success": True, "data": {"a": 1}}


def test_an_empty_list_is_an_answer():
    assert answering([])[1] == {"success": True, "data": []}


def test_nothing_is_an_answer():
    assert answering(None)[1] == {"success": True, "data": None}


def test_no_content_has_no_content():
    response, body = answering(None, 204)
    assert (response.status_code, body) == (204, None)


def test_data_that_looks_like_an_envelope_is_wrapped_all_the_same():
    assert answering({"success": False})[1] == {"success": True, "data": {"success": False}}


def test_an_error_status_is_never_told_as_success():
    response, body = answering({"secret": 1}, 400)
    assert (response.status_code, body["success"]) == (400, False)
    assert "secret" not in response.content.decode()


# -- errors ------------------------------------------------------------------------------------------


def test_a_broken_rule_names_its_code_message_and_field():
    response, body = raising(InvalidInput("too_long", "Make it shorter.", field="text", extra={"limit": 5}))
    assert response.status_code == 422
    detail = {"code": "too_long", "message": "Make it shorter.", "field": "text", "limit": 5}
    error = {"code": "too_long", "message": "Make it shorter.", "details": [detail]}
    assert body == {"success": False, "error": error}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("busy", "Later."), 409, "busy"),
        (NotFound("This contact"), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (NotAuthenticated(), 401, "not_authenticated"),
        (Throttled(wait=7), 429, "throttled"),
    ],
)
def test_every_kind_of_no_has_its_status_and_code(error, status, code):
    class View(Open):
        def get_authenticate_header(self, request):
            return "Bearer"

        def get(self, request):
            raise error

    response, body = ask(View)
    assert (response.status_code, body["error"]["code"], body["success"]) == (status, code, False)
    assert body["error"]["message"]


def test_a_throttled_caller_is_told_when_to_come_back():
    assert raising(Throttled(wait=7))[0]["Retry-After"] == "7"


def test_a_method_that_does_not_exist_is_told():
    response, body = ask(Open, "post")
    assert (response.status_code, body["error"]["code"]) == (405, "method_not_allowed")


def test_json_that_is_none_is_told():
    class View(Open):
        def post(self, request):
            return Response(request.data)

    request = APIRequestFactory().generic("POST", "/", "{", content_type="application/json")
    response = View.as_view()(request).render()
    assert (response.status_code, json.loads(response.content)["error"]["code"]) == (400, "parse_error")


def test_an_accident_is_an_error_that_tells_nothing():
    response, body = raising(RuntimeError("password=hunter2"))
    assert (response.status_code, body["error"]["code"]) == (500, "server_error")
    assert b"hunter2" not in response.content


# -- names -------------------------------------------------------------------------------------------


class Line(CamelCaseSerializer):
    item_name = serializers.CharField()
    unit_price = serializers.IntegerField()


class Order(CamelCaseSerializer):
    order_id = serializers.IntegerField(read_only=True)
    customer_name = serializers.CharField(max_length=5)
    extra_data = serializers.JSONField(required=False)
    order_lines = Line(many=True, required=False)

    def validate(self, attrs):
        if attrs["customer_name"] == "wrong":
            raise serializers.ValidationError({"customer_name": "Not this one."})
        return attrs


class Orders(Open):
    def post(self, request):
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(Order({"order_id": 1, **order.validated_data}).data)


def test_declared_names_change_and_json_contents_stay():
    extra = {"snake_case": {"inner_key": 1}, "camelCase": 2}
    line = {"itemName": "Cake", "unitPrice": 3}
    sent = {"customerName": "Ana", "extraData": extra, "orderLines": [line]}
    assert ask(Orders, "post", sent)[1]["data"] == {"orderId": 1, **sent}


def faults(data):
    response, body = ask(Orders, "post", data)
    assert response.status_code == 400
    assert body["error"]["code"] == "invalid"
    return {(detail["field"], detail["code"]) for detail in body["error"]["details"]}


def test_unknown_and_read_only_fields_are_refused():
    sent = {"customerName": "Ana", "orderId": 9, "businessProfile": "x", "role": "owner"}
    assert faults(sent) == {
        ("orderId", "read_only"),
        ("businessProfile", "unknown_field"),
        ("role", "unknown_field"),
    }


def test_the_inside_name_is_not_a_second_way_in():
    assert faults({"customerName": "Ana", "customer_name": "Bo"}) == {("customer_name", "unknown_field")}


def test_faults_carry_the_outside_names_at_every_depth():
    assert faults({"customerName": "Anastasia", "orderLines": [{"itemName": "", "unitPrice": "x"}]}) == {
        ("customerName", "max_length"),
        ("orderLines.0.itemName", "blank"),
        ("orderLines.0.unitPrice", "invalid"),
    }
    assert faults({"customerName": "wrong"}) == {("customerName", "invalid")}
    assert faults({}) == {("customerName", "required")}


@pytest.mark.parametrize("body", [[], ["customerName"], "text", 5, None])
def test_a_body_that_is_no_object_is_refused(body):
    request = APIRequestFactory().generic("POST", "/", json.dumps(body), content_type="application/json")
    response = Orders.as_view()(request).render()
    assert response.status_code == 400
    assert json.loads(response.content)["success"] is False


@given(st.from_regex(r"[a-z]+(_[a-z0-9]+)*", fullmatch=True))
def test_a_name_outside_has_no_underscore_and_loses_no_letter(name):
    assert "_" not in camel(name)
    assert camel(name).lower() == name.replace("_", "")


# -- pages -------------------------------------------------------------------------------------------


class Named(CamelCaseSerializer):
    name = serializers.CharField()


def listing(paginator_class, business):
    class View(Open):
        cursor_ordering = ("-created_at", "-id")

        def get(self, request):
            paginator = paginator_class()
            rows = paginator.paginate_queryset(
                Contact.objects.filter(business_profile=business).order_by("id"), request, self
            )
            return paginator.get_paginated_response(Named(rows, many=True).data)

    return View


@pytest.fixture
def contacts(business):
    """Five contacts, the middle three of one and the same moment, as after an import."""
    made = [ContactFactory(business_profile=business, name=str(number)) for number in range(5)]
    for number, contact in enumerate(made):
        at = datetime(2026, 1, 1 + (number > 0) + (number > 3), tzinfo=UTC)
        Contact.objects.filter(pk=contact.pk).update(created_at=at)
    return made


def names(body):
    return "".join(row["name"] for row in body["data"])


def test_cursors_walk_through_rows_of_one_moment_and_back(business, contacts):
    view = listing(CursorPagination, business)
    first = ask(view, path="/?limit=2")[1]
    second = ask(view, path=f"/?limit=2&cursor={first['meta']['nextCursor']}")[1]
    third = ask(view, path=f"/?limit=2&cursor={second['meta']['nextCursor']}")[1]
    assert [names(page) for page in (first, second, third)] == ["43", "21", "0"]
    assert first["meta"]["previousCursor"] is None
    assert third["meta"]["nextCursor"] is None
    back = ask(view, path=f"/?limit=2&cursor={third['meta']['previousCursor']}")[1]
    assert names(back) == "21"
    assert names(ask(view, path=f"/?limit=2&cursor={back['meta']['previousCursor']}")[1]) == "43"
    assert names(ask(view, path=f"/?limit=2&cursor={back['meta']['nextCursor']}")[1]) == "0"


def test_a_row_added_meanwhile_moves_nothing(business, contacts):
    view = listing(CursorPagination, business)
    first = ask(view, path="/?limit=2")[1]
    ContactFactory(business_profile=business, name="new")
    assert names(ask(view, path=f"/?limit=2&cursor={first['meta']['nextCursor']}")[1]) == "21"


def test_rising_order_and_a_single_column_work_too(business, contacts):
    class Rising(CursorPagination):
        ordering = ("id",)

    view = listing(Rising, business)
    view.cursor_ordering = ("id",)
    first = ask(view, path="/?limit=3")[1]
    assert names(first) == "012"
    assert names(ask(view, path=f"/?limit=3&cursor={first['meta']['nextCursor']}")[1]) == "34"


@pytest.mark.parametrize(
    "cursor", ["x", "é", "WzAsICJhIl0=", "WzIsICIxIl0=", "bnVsbA==", "WzAsICJhIiwgImIiXQ=="]
)
def test_a_made_up_cursor_is_refused(business, cursor):
    response, body = ask(listing(CursorPagination, business), path=f"/?cursor={cursor}")
    assert (response.status_code, body["error"]["code"]) == (422, "invalid_cursor")


def test_a_page_is_never_longer_than_the_cap(business, contacts, monkeypatch):
    monkeypatch.setattr(CursorPagination, "max_page_size", 3)
    assert names(ask(listing(CursorPagination, business), path="/?limit=1000000")[1]) == "432"


def test_numbered_pages_tell_the_totals(business, contacts):
    view = listing(PageNumberPagination, business)
    body = ask(view, path="/?limit=2&page=3")[1]
    assert body["meta"] == {"page": 3, "limit": 2, "total": 5, "totalPages": 3}
    assert len(body["data"]) == 1
    assert ask(view, path="/?page=9")[0].status_code == 404
