"""Pages of the simulated phone: linked device, customers, their chats, and faults."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from connections import presenters, selectors
from connections.forms import CustomerForm, FaultsForm, OnlineForm, ScanForm, SpeedForm, UnlinkForm, WriteForm
from connections.models import SandboxCustomer, WhatsAppConnection
from connections.services import sandbox
from core.errors import Conflict, InvalidInput, NotFound
from core.web.htmx import redirect, render, wants_partial


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def try_sandbox(request: MemberRequest) -> HttpResponse:
    """POST: create a sandbox number that links itself, and redirect to it."""
    connection = sandbox.try_sandbox(request.access.business, request.access.user)
    return redirect(request, "connections:detail", connection.pk)


@never_cache
@require_safe
@member(Can.REPLY)
def phone(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: linked devices of the simulated phone."""
    return _render_phone(request, _sandbox(request, connection_id), "devices")


@never_cache
@require_POST
@member(Can.MANAGE_CONNECTIONS)
def scan(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: scan a QR code with the simulated phone."""
    connection = _sandbox(request, connection_id)
    form = ScanForm(request.POST)
    if form.is_valid():
        try:
            sandbox.scan(connection, request.access.user, form.cleaned_data["code"])
            return _redirect_to_phone(
                request, connection, "The phone scanned the code. WhatsFlow is linking now."
            )
        except (InvalidInput, Conflict) as error:
            form.add_error("code", error.message)
    return _render_phone(request, connection, "devices", status=422, scan_form=form)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def unlink(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: end the login from the simulated phone."""
    connection = _sandbox(request, connection_id)
    form = UnlinkForm(request.POST)
    if not form.is_valid():
        return _render_phone(request, connection, "devices", status=422, unlink_form=form)
    sandbox.unlink_on_phone(connection, form.cleaned_data["reason"])
    return _redirect_to_phone(request, connection, "The login was ended on the phone's side.")


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def speed(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: set the factor of simulated delays."""
    connection = _sandbox(request, connection_id)
    form = SpeedForm(request.POST)
    if not form.is_valid():
        return _render_phone(request, connection, "devices", status=422, speed_form=form)
    sandbox.set_speed(connection, form.cleaned_data["speed"])
    return _redirect_to_phone(request, connection, "The speed is set.")


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def online(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: set the simulated phone online or offline."""
    connection = _sandbox(request, connection_id)
    form = OnlineForm(request.POST)
    switched_on = form.is_valid() and form.cleaned_data["online"]
    sandbox.set_online(connection, switched_on)
    return _redirect_to_phone(
        request, connection, f"The phone is {'online' if switched_on else 'offline'} now."
    )


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def faults(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """POST: set the injected faults."""
    connection = _sandbox(request, connection_id)
    form = FaultsForm(request.POST)
    if not form.is_valid():
        return _render_phone(request, connection, "devices", status=422, faults_form=form)
    sandbox.set_faults(connection, **form.faults())
    return _redirect_to_phone(request, connection, "The faults are set.")


@never_cache
@require_safe
@member(Can.REPLY)
def customers(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: list the simulated customers."""
    return _render_phone(request, _sandbox(request, connection_id), "customers")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def add_customer(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """GET: form. POST: add a simulated customer."""
    connection = _sandbox(request, connection_id)
    form = CustomerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            new_customer = sandbox.add_customer(connection, request.access.user, **form.cleaned_data)
            return redirect(request, "connections:phone_customer", new_customer.pk)
        except (InvalidInput, Conflict) as error:
            form.add_error("number" if error.field == "phone_number" else error.field, error.message)
    status = 422 if request.method == "POST" else 200
    return _render_phone(request, connection, "new", status=status, customer_form=form)


@never_cache
@require_safe
@member(Can.REPLY)
def customer(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """GET: chat of a simulated customer."""
    return _render_chat(request, selectors.get_customer(request.access.business, customer_id))


@never_cache
@require_safe
@member(Can.REPLY)
def transcript(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """GET: messages partial of the chat. 204 if `seen` is the current version."""
    sandbox_customer = selectors.get_customer(request.access.business, customer_id)
    shown = presenters.transcript(sandbox_customer)
    if wants_partial(request) and request.GET.get("seen") == shown.version:
        return HttpResponse(status=204)
    if not wants_partial(request):
        return _render_chat(request, sandbox_customer)
    return render(
        request,
        "connections/phone.html",
        "connections/_phone_messages.html",
        {"customer": sandbox_customer, "shown": shown},
    )


@require_POST
@member(Can.REPLY)
def write(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """POST: send a message as a simulated customer."""
    sandbox_customer = selectors.get_customer(request.access.business, customer_id)
    form = WriteForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            sandbox.write_as(sandbox_customer, request.access.user, **form.cleaned_data)
        except InvalidInput as error:
            form.add_error(error.field, error.message)
    if not form.is_valid():
        return _render_chat(request, sandbox_customer, status=422, write_form=form)
    if not wants_partial(request):
        return redirect(request, "connections:phone_customer", sandbox_customer.pk)
    return _render_chat(request, sandbox_customer)


@require_safe
@member(Can.REPLY)
def media(request: MemberRequest, sandbox_message_id: UUID) -> HttpResponse:
    """GET: file of a simulated message. Pictures are inline, all else is a download."""
    message = selectors.get_sandbox_message(request.access.business, sandbox_message_id)
    shown = presenters.is_picture(message)
    response = FileResponse(
        presenters.file_of(message),
        content_type=message.media_mime if shown else "application/octet-stream",
        as_attachment=not shown,
        filename=message.media_name or "file",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return cast(HttpResponse, response)


def _sandbox(request: MemberRequest, connection_id: UUID) -> WhatsAppConnection:
    """Return a sandbox number of the business. Raises NotFound, also for a real number."""
    connection = selectors.get_connection(request.access.business, connection_id)
    if not connection.is_sandbox:
        raise NotFound("This simulated phone")
    return connection


def _redirect_to_phone(request: MemberRequest, connection: WhatsAppConnection, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect(request, reverse("connections:phone", args=[connection.pk]))


def _render_chat(
    request: MemberRequest, sandbox_customer: SandboxCustomer, status: int = 200, **more: Any
) -> HttpResponse:
    connection = sandbox_customer.phone.connection
    context = {
        "customer": sandbox_customer,
        "shown": presenters.transcript(sandbox_customer),
        "write_form": WriteForm(),
    } | more
    return _render_phone(request, connection, "chat", status=status, **context)


def _render_phone(
    request: MemberRequest, connection: WhatsAppConnection, screen: str, status: int = 200, **more: Any
) -> HttpResponse:
    """Render the phone. screen: devices, customers, new or chat."""
    manages = request.access.can(Can.MANAGE_CONNECTIONS)
    code = presenters.current_code(connection) if manages else None
    context = {
        "connection": connection,
        "phone": connection.sandbox_phone,
        "screen": screen,
        "manages": manages,
        "code": code,
        "scan_form": ScanForm(),
        "unlink_form": UnlinkForm(),
        "speed_form": SpeedForm(initial={"speed": connection.sandbox_phone.speed}),
        "faults_form": FaultsForm(initial=connection.sandbox_phone.faults),
        "card": presenters.cards(request.access.business, [connection])[0],
    } | more
    if screen == "customers":
        context["customers"] = selectors.sandbox_customers(connection)
    return render(request, "connections/phone.html", "connections/_phone.html", context, status=status)
