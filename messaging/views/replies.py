"""Pages of quick replies, and the picker of the composer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.forms import add_error
from accounts.roles import Can
from accounts.views.form_page import focus_first_error
from core.errors import DomainError
from core.web.htmx import redirect, render
from messaging.inbox import quick_reply_queries, selectors
from messaging.inbox.forms import QuickReplyForm
from messaging.services import quick_replies


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.REPLY)
def reply_list(request: MemberRequest) -> HttpResponse:
    """GET: list and form. POST: create a quick reply."""
    access = request.access
    form = QuickReplyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reply = quick_replies.create(access.business, access.user, **form.cleaned_data)
            messages.success(request, f"{reply} is there.")
            return redirect(request, "messaging:replies")
        except DomainError as error:
            add_error(form, error)
    context = {"form": form, "replies": quick_reply_queries.quick_replies_of(access.business)}
    return _page(request, "messaging/replies.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.REPLY)
def reply_edit(request: MemberRequest, reply_id: UUID) -> HttpResponse:
    """GET: form. POST: update a quick reply."""
    access = request.access
    reply = quick_reply_queries.get_quick_reply(access.business, reply_id)
    form = QuickReplyForm(request.POST or None, initial={"shortcut": reply.shortcut, "text": reply.text})
    if request.method == "POST" and form.is_valid():
        try:
            quick_replies.update(reply, access.user, **form.cleaned_data)
            messages.success(request, f"{reply} is saved.")
            return redirect(request, "messaging:replies")
        except DomainError as error:
            add_error(form, error)
    return _page(request, "messaging/reply.html", form, {"form": form, "reply": reply})


@require_POST
@member(Can.REPLY)
def reply_delete(request: MemberRequest, reply_id: UUID) -> HttpResponse:
    """POST: delete a quick reply."""
    reply = quick_reply_queries.get_quick_reply(request.access.business, reply_id)
    quick_replies.delete(reply, request.access.user)
    messages.success(request, f"{reply} is deleted.")
    return redirect(request, "messaging:replies")


@require_safe
@member(Can.REPLY)
def offered(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """GET: the quick replies of the composer, with placeholders filled in."""
    business = request.access.business
    conversation = selectors.get_conversation(business, conversation_id)
    context = {"replies": quick_reply_queries.replies_for(business, conversation)}
    return render(request, "messaging/_offered.html", "messaging/_offered.html", context)


def _page(request: MemberRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    focus_first_error(form)
    return render(request, template, template, context, status=422 if form.errors else 200)
