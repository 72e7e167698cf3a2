"""Pages of numbers: list, creation, detail with live QR code, and actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from connections import presenters, selectors
from connections.forms import ConfirmForm, CreateForm, PairForm, RenameForm
from connections.models import WhatsAppConnection
from connections.services import holds, numbers
from core.errors import Conflict, InvalidInput
from core.web.htmx import redirect, render, wants_partial


@require_safe
@member()
def index(request: MemberRequest) -> HttpResponse:
    """GET: list the business's numbers. 204 if `seen` is the current version."""
    business = request.access.business
    cards = presenters.cards(business, selectors.connections_of(business))
    version = presenters.version_of(cards)
    if wants_partial(request) and request.GET.get("seen") == version:
        return HttpResponse(status=204)
    context = {"cards": cards, "version": version, "manages": request.access.can(Can.MANAGE_CONNECTIONS)}
    return render(request, "connections/list.html", "connections/_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def create(request: MemberRequest) -> HttpResponse:
    """GET: form. POST: create a number, connect it and redirect to its page."""
    form = CreateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        access = request.access
        connection = numbers.create(
            access.business, access.user, form.cleaned_data["mode"], form.cleaned_data["name"]
        )
        numbers.connect(connection, access.user)
        return redirect(request, "connections:detail", connection.pk)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "unusable": presenters.unusable_modes()}
    return render(request, "connections/create.html", "connections/_create.html", context, status)


@never_cache
@require_safe
@member()
def detail(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: one number with its state, QR code and health."""
    connection = selectors.get_connection(request.access.business, connection_id)
    return render(
        request, "connections/detail.html", "connections/_state.html", _context(request, connection)
    )


@never_cache
@require_safe
@member()
def state(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: the state partial. 204 if `seen` is the current version."""
    context = _context(request, selectors.get_connection(request.access.business, connection_id))
    if wants_partial(request) and request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "connections/detail.html", "connections/_state.html", context)


@never_cache
@require_safe
@member(Can.MANAGE_CONNECTIONS)
def qr(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: the QR code partial. 204 if `seen` is the current code.

    Without a code the response is 204 with the trigger `connection-changed`, so that the page reloads the state.
    """
    connection = selectors.get_connection(request.access.business, connection_id)
    code = presenters.current_code(connection)
    if code is None:
        return HttpResponse(status=204, headers={"HX-Trigger": "connection-changed"})
    if request.GET.get("seen") == code.version:
        return HttpResponse(status=204)
    context = {"connection": connection, "code": code}
    return render(
        request, "connections/detail.html", "connections/_qr.html", _context(request, connection) | context
    )


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def connect(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: connect the number."""
    connection = selectors.get_connection(request.access.business, connection_id)
    numbers.connect(connection, request.access.user)
    return redirect(request, "connections:detail", connection_id)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def pair(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: connect the number with a pairing code instead of a QR code."""
    connection = selectors.get_connection(request.access.business, connection_id)
    form = PairForm(request.POST)
    if form.is_valid():
        try:
            numbers.connect(connection, request.access.user, pairing_phone=form.cleaned_data["phone_number"])
            return redirect(request, "connections:detail", connection_id)
        except InvalidInput as error:
            form.add_error("phone_number", error.message)
    return _render_errors(request, connection, pair_form=form)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def disconnect(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: disconnect the number and keep its login."""
    connection = selectors.get_connection(request.access.business, connection_id)
    numbers.disconnect(connection, request.access.user)
    messages.success(request, f"{connection.display_name} is being disconnected. Its login is kept.")
    return redirect(request, "connections:detail", connection_id)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def release(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: release a held number. send=yes sends the queued messages, otherwise they are cancelled."""
    connection = selectors.get_connection(request.access.business, connection_id)
    send = request.POST.get("send") == "yes"
    holds.release(connection, request.access.user, send=send)
    outcome = "What waited leaves now." if send else "What waited is cancelled."
    messages.success(request, f"{connection.display_name} is not on hold any more. {outcome}")
    return redirect(request, "connections:detail", connection_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def logout(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: confirmation. POST: unlink the number from the phone."""
    connection = selectors.get_connection(request.access.business, connection_id)
    if request.method == "POST":
        numbers.logout(connection, request.access.user)
        messages.success(request, f"{connection.display_name} is being logged out.")
        return redirect(request, "connections:detail", connection_id)
    context = {"connection": connection}
    return render(request, "connections/logout.html", "connections/_logout.html", context)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def rename(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: rename the number."""
    connection = selectors.get_connection(request.access.business, connection_id)
    form = RenameForm(request.POST)
    if not form.is_valid():
        return _render_errors(request, connection, rename_form=form)
    numbers.rename(connection, request.access.user, form.cleaned_data["name"])
    messages.success(request, "The name was changed.")
    return redirect(request, "connections:detail", connection_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def delete(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: confirmation. POST: delete the number with its conversations, if its name was typed."""
    connection = selectors.get_connection(request.access.business, connection_id)
    form = ConfirmForm(request.POST or None, connection=connection)
    if request.method == "POST" and form.is_valid():
        name = connection.display_name
        try:
            numbers.delete(connection, request.access.user)
            messages.success(request, f"{name} was deleted.")
            return redirect(request, "connections:list")
        except Conflict as error:
            form.add_error(None, error.message)
    context = {
        "connection": connection,
        "form": form,
        "must_disconnect": presenters.must_disconnect(connection),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "connections/delete.html", "connections/_delete.html", context, status)


def _context(request: MemberRequest, connection: WhatsAppConnection, **more: Any) -> dict[str, Any]:
    """Build the context of a number's page. Only members who may link devices get the code."""
    manages = request.access.can(Can.MANAGE_CONNECTIONS)
    cards = presenters.cards(request.access.business, [connection])
    return {
        "connection": connection,
        "card": cards[0],
        "version": presenters.version_of(cards),
        "may_write": request.access.can(Can.REPLY),
        "code": presenters.current_code(connection) if manages else None,
        "past": selectors.past_states(connection),
        "pairing_code": presenters.current_pairing_code(connection) if manages else "",
        "manages": manages,
        "rename_form": RenameForm(initial={"name": connection.name}),
        "pair_form": PairForm(),
    } | more


def _render_errors(request: MemberRequest, connection: WhatsAppConnection, **more: Any) -> HttpResponse:
    """Render the page with form errors (422)."""
    context = _context(request, connection, **more)
    return render(request, "connections/detail.html", "connections/_state.html", context, 422)
