"""The home page, and the colour theme in every page's menu."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.models import User
from accounts.services import users
from analytics import forms
from analytics.reports import home as home_report
from core.errors import InvalidInput
from core.web import htmx


@require_safe
@member()
def home(request: HttpRequest) -> HttpResponse:
    """GET: the home page. Live updates fetch the partial."""
    access = cast(MemberRequest, request).access
    context = {"overview": home_report.home_page(access.business, access.user)}
    return htmx.render(request, "analytics/home.html", "analytics/_overview.html", context)


@require_POST
@login_required
def theme(request: HttpRequest) -> HttpResponse:
    """POST: save the colour theme.

    Without JavaScript, redirects to the page it came from.
    """
    form = forms.ThemeForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("unknown_theme", "Choose auto, light or dark.", field="theme")
    users.update_profile(cast(User, request.user), theme=form.cleaned_data["theme"])
    if request.headers.get("Accept", "").startswith("application/json"):
        return HttpResponse(status=204)
    return htmx.redirect(request, request.headers.get("Referer", "home"))
