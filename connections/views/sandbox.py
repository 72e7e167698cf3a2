"""Pages of the simulated phone: link it, write as a customer, see what a customer sees, break things on purpose."""

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
from connections import fragments, selectors
from connections.forms import CustomerForm, FaultsForm, OnlineForm, ScanForm, SpeedForm, UnlinkForm, WriteForm
from connections.models import SandboxCustomer, WhatsAppConnection
from connections.services import sandbox
from core.errors import Conflict, InvalidInput, NotFound
from core.web.htmx import redirect, render, wants_partial


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def try_sandbox(request: MemberRequest) -> HttpResponse:
    """One click: a sandbox number that is linked within seconds, with customers who write."""
    connection = sandbox.try_sandbox(request.access.business, request.access.user)
    return redirect(request, "connections:detail", connection.pk)


@never_cache
@require_safe
@member(Can.REPLY)
def phone(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """The simulated phone's linked devices."""
    return _show(request, _sandbox(request, connection_id), "devices")


@never_cache
@require_POST
@member(Can.MANAGE_CONNECTIONS)
def scan(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Hold the simulated phone's camera at a QR code."""
    connection = _sandbox(request, connection_id)
    form = ScanForm(request.POST)
    if form.is_valid():
        try:
            sandbox.scan(connection, request.access.user, form.cleaned_data["code"])
            return _done(request, connection, "The phone scanned the code. WhatsFlow is linking now.")
        except (InvalidInput, Conflict) as error:
            form.add_error("code", error.message)
    return _show(request, connection, "devices", status=422, scan_form=form)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def unlink(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """End the login on the simulated phone's side, as its owner or WhatsApp could."""
    connection = _sandbox(request, connection_id)
    form = UnlinkForm(request.POST)
    if not form.is_valid():
        return _show(request, connection, "devices", status=422, unlink_form=form)
    sandbox.unlink_on_phone(connection, form.cleaned_data["reason"])
    return _done(request, connection, "The login was ended on the phone's side.")


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def speed(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Set how fast the simulated people are."""
    connection = _sandbox(request, connection_id)
    form = SpeedForm(request.POST)
    if not form.is_valid():
        return _show(request, connection, "devices", status=422, speed_form=form)
    sandbox.set_speed(connection, form.cleaned_data["speed"])
    return _done(request, connection, "The speed is set.")


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def online(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Switch the simulated phone's network on or off."""
    connection = _sandbox(request, connection_id)
    form = OnlineForm(request.POST)
    switched_on = form.is_valid() and form.cleaned_data["online"]
    sandbox.set_online(connection, switched_on)
    return _done(request, connection, f"The phone is {'online' if switched_on else 'offline'} now.")


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def faults(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Set what goes wrong on purpose."""
    connection = _sandbox(request, connection_id)
    form = FaultsForm(request.POST)
    if not form.is_valid():
        return _show(request, connection, "devices", status=422, faults_form=form)
    sandbox.set_faults(connection, **form.faults())
    return _done(request, connection, "The faults are set.")


@never_cache
@require_safe
@member(Can.REPLY)
def customers(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """The simulated customers."""
    return _show(request, _sandbox(request, connection_id), "customers")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def add_customer(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Make a further simulated customer."""
    connection = _sandbox(request, connection_id)
    form = CustomerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = sandbox.add_customer(connection, request.access.user, **form.cleaned_data)
            return redirect(request, "connections:phone_customer", made.pk)
        except (InvalidInput, Conflict) as error:
            form.add_error("number" if error.field == "phone_number" else error.field, error.message)
    status = 422 if request.method == "POST" else 200
    return _show(request, connection, "new", status=status, customer_form=form)


@never_cache
@require_safe
@member(Can.REPLY)
def customer(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """The chat as one simulated customer sees it."""
    return _show_chat(request, selectors.get_customer(request.access.business, customer_id))


@never_cache
@require_safe
@member(Can.REPLY)
def transcript(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """The chat's messages; 204 while `seen` is still what there is."""
    who = selectors.get_customer(request.access.business, customer_id)
    shown = fragments.transcript(who)
    if wants_partial(request) and request.GET.get("seen") == shown.version:
        return HttpResponse(status=204)
    if not wants_partial(request):
        return _show_chat(request, who)
    return render(
        request,
        "connections/phone.html",
        "connections/_phone_messages.html",
        {"customer": who, "shown": shown},
    )


@require_POST
@member(Can.REPLY)
def write(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """Send a message as a simulated customer."""
    who = selectors.get_customer(request.access.business, customer_id)
    form = WriteForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            sandbox.write_as(who, request.access.user, **form.cleaned_data)
        except InvalidInput as error:
            form.add_error(error.field, error.message)
    if not form.is_valid():
        return _show_chat(request, who, status=422, write_form=form)
    if not wants_partial(request):
        return redirect(request, "connections:phone_customer", who.pk)
    return _show_chat(request, who)


@require_safe
@member(Can.REPLY)
def media(request: MemberRequest, sandbox_message_id: UUID) -> HttpResponse:
    """A picture or file of a simulated chat. Only pictures are shown in place, everything else is a download."""
    message = selectors.get_sandbox_message(request.access.business, sandbox_message_id)
    shown = fragments.is_picture(message)
    response = FileResponse(
        fragments.file_of(message),
        content_type=message.media_mime if shown else "application/octet-stream",
        as_attachment=not shown,
        filename=message.media_name or "file",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return cast(HttpResponse, response)


def _sandbox(request: MemberRequest, connection_id: UUID) -> WhatsAppConnection:
    """The business's sandbox number; a real number has no phone here."""
    connection = selectors.get_connection(request.access.business, connection_id)
    if not connection.is_sandbox:
        raise NotFound("This simulated phone")
    return connection


def _done(request: MemberRequest, connection: WhatsAppConnection, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect(request, reverse("connections:phone", args=[connection.pk]))


def _show_chat(request: MemberRequest, who: SandboxCustomer, status: int = 200, **more: Any) -> HttpResponse:
    connection = who.phone.connection
    context = {"customer": who, "shown": fragments.transcript(who), "write_form": WriteForm()} | more
    return _show(request, connection, "chat", status=status, **context)


def _show(
    request: MemberRequest, connection: WhatsAppConnection, screen: str, status: int = 200, **more: Any
) -> HttpResponse:
    """The phone with one of its screens: devices, customers, new or chat."""
    manages = request.access.can(Can.MANAGE_CONNECTIONS)
    code = fragments.code_on_show(connection) if manages else None
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
        "card": fragments.cards(request.access.business, [connection])[0],
    } | more
    if screen == "customers":
        context["customers"] = selectors.sandbox_customers(connection)
    return render(request, "connections/phone.html", "connections/_phone.html", context, status=status)
