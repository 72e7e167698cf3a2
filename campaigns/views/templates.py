"""Pages of message templates."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.forms import add_error
from accounts.roles import Can
from campaigns import selectors
from campaigns.forms import TemplateForm
from campaigns.models import Campaign, MessageTemplate
from campaigns.services import templates as service
from core.errors import DomainError
from core.web.htmx import redirect, render
from messaging.media import media_files as files


@require_safe
@member()
def templates(request: MemberRequest) -> HttpResponse:
    """List the templates by name."""
    context = {"templates": selectors.templates_of(request.access.business)}
    return render(request, "campaigns/templates.html", "campaigns/_templates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def template_create(request: MemberRequest) -> HttpResponse:
    """Create a template, from scratch or from a campaign's text and file."""
    key = request.GET.get("campaign")
    return _edit(request, None, selectors.get_campaign(request.access.business, key) if key else None)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def template_edit(request: MemberRequest, template_id: UUID) -> HttpResponse:
    """Edit a template."""
    return _edit(request, selectors.get_template(request.access.business, template_id))


def _edit(
    request: MemberRequest, template: MessageTemplate | None, source: Campaign | None = None
) -> HttpResponse:
    access = request.access
    initial = {"name": template.name, "content": template.content} if template else {}
    if source:
        initial = {"name": source.name[:100], "content": source.message_content}
    kept = template.media if template else source.media if source else None
    form = TemplateForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            media = (
                files.store_upload(access.business, access.user, data["upload"]) if data["upload"] else None
            )
            service.save(
                access.business,
                access.user,
                name=data["name"],
                content=data["content"],
                media=media or kept,
                template=template,
            )
            messages.success(request, "The template was saved.")
            return redirect(request, "campaigns:templates")
        except DomainError as error:
            add_error(form, error)
    context = {"form": form, "template": template, "media": kept}
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/template.html", "campaigns/_template.html", context, status)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def template_delete(request: MemberRequest, template_id: UUID) -> HttpResponse:
    """POST: delete a template."""
    access = request.access
    service.delete(access.business, selectors.get_template(access.business, template_id), access.user)
    messages.success(request, "The template was deleted. Campaigns made from it keep their text.")
    return redirect(request, "campaigns:templates")
