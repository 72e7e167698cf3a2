"""Page of a number's pacing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.access import MemberRequest, member
from accounts.forms import add_error
from accounts.roles import Can
from campaigns.forms import PacingForm
from connections import selectors as connections
from core.errors import InvalidInput
from core.web.htmx import redirect, render
from messaging.outbox import pacing_settings


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def pacing(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Show and change the pacing of a number."""
    access = request.access
    number = connections.get_connection(access.business, connection_id)
    settings = pacing_settings.settings_of(number)
    form = PacingForm(request.POST or None, initial=PacingForm.initial_of(settings))
    if request.method == "POST" and form.is_valid():
        try:
            pacing_settings.change(access.business, number, access.user, form.values())
            messages.success(request, "The pacing was changed. It counts from the next message on.")
            return redirect(request, "connections:detail", connection_id)
        except InvalidInput as error:
            add_error(form, error)
    context = {"connection": number, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/pacing.html", "campaigns/_pacing.html", context, status)
