"""Settings of contacts: tags, custom fields, tag rules, consent keywords."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from accounts.views.form_page import focus_first_error
from contacts import forms, keyword_matching, selectors
from contacts.services import consent_keywords, fields, rules, tags
from contacts.views.pages import add_error
from core.errors import DomainError
from core.web.htmx import redirect, render


@require_http_methods(["GET", "HEAD", "POST"])
@member()
def tag_list(request: MemberRequest) -> HttpResponse:
    """GET: all tags with counts. POST: create a tag."""
    access = request.access
    form = forms.TagForm(request.POST or None, initial={"color": tags.next_color(access.business)})
    if request.method == "POST":
        access.require(Can.EDIT_CONTACTS)
        if form.is_valid() and _done(form, tags.create, access.business, access.user, **form.cleaned_data):
            messages.success(request, f"The tag {form.cleaned_data['name']} is there.")
            return redirect(request, "contacts:tags")
    context = {"form": form, "tags": selectors.tags_with_counts(access.business)}
    return _page(request, "contacts/tags.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def tag_edit(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """GET, POST: rename or recolour a tag. The page also merges and deletes it."""
    access = request.access
    tag = selectors.get_tag(access.business, tag_id)
    form = forms.TagForm(request.POST or None, initial={"name": tag.name, "color": tag.color})
    if (
        request.method == "POST"
        and form.is_valid()
        and _done(form, tags.update, access.business, tag, access.user, **form.cleaned_data)
    ):
        messages.success(request, "The tag is saved.")
        return redirect(request, "contacts:tags")
    others = [one for one in selectors.tags_of_business(access.business) if one.pk != tag.pk]
    context = {"form": form, "tag": tag, "others": others, "count": selectors.count_tagged(tag)}
    return _page(request, "contacts/tag.html", form, context)


@require_POST
@member(Can.EDIT_CONTACTS)
def tag_merge(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """POST: merge a tag into another one."""
    business = request.access.business
    tag = selectors.get_tag(business, tag_id)
    into = tags.merge(
        business, tag, selectors.get_tag(business, request.POST.get("into", "")), request.access.user
    )
    messages.success(request, f"{tag.name} is part of {into.name} now.")
    return redirect(request, "contacts:tags")


@require_POST
@member(Can.EDIT_CONTACTS)
def tag_delete(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """POST: delete a tag."""
    business = request.access.business
    tag = selectors.get_tag(business, tag_id)
    tags.delete(business, tag, request.access.user)
    messages.success(request, f"The tag {tag.name} is deleted.")
    return redirect(request, "contacts:tags")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_BUSINESS)
def field_list(request: MemberRequest) -> HttpResponse:
    """GET: the custom fields. POST: create a field."""
    access = request.access
    form = forms.FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if _done(
            form,
            fields.create,
            access.business,
            access.user,
            label=data["label"],
            kind=data["kind"],
            choices=form.lines(),
        ):
            messages.success(request, f"The field {data['label']} is there.")
            return redirect(request, "contacts:fields")
    context = {"form": form, "fields": selectors.fields_of(access.business)}
    return _page(request, "contacts/fields.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_BUSINESS)
def field_edit(request: MemberRequest, field_id: UUID) -> HttpResponse:
    """GET, POST: rename a field or change its choices."""
    access = request.access
    field = fields.get(access.business, field_id)
    form = forms.FieldForm(request.POST or None, field=field)
    if request.method == "POST" and form.is_valid():
        data = {"label": form.cleaned_data["label"], "choices": form.lines()}
        if _done(form, fields.update, access.business, field_id, access.user, **data):
            messages.success(request, "The field is saved.")
            return redirect(request, "contacts:fields")
    return _page(request, "contacts/field.html", form, {"form": form, "field": field})


@require_POST
@member(Can.MANAGE_BUSINESS)
def field_move(request: MemberRequest, field_id: UUID) -> HttpResponse:
    """POST: move a custom field (to=up or down)."""
    up = request.POST.get("to") == "up"
    fields.move(request.access.business, field_id, request.access.user, up=up)
    return redirect(request, "contacts:fields")


@require_POST
@member(Can.MANAGE_BUSINESS)
def field_delete(request: MemberRequest, field_id: UUID) -> HttpResponse:
    """POST: delete a field."""
    fields.delete(request.access.business, field_id, request.access.user)
    messages.success(request, "The field is deleted.")
    return redirect(request, "contacts:fields")


@require_safe
@member()
def rule_list(request: MemberRequest) -> HttpResponse:
    """GET: the tag rules."""
    context = {
        "rules": selectors.rules_of(request.access.business),
        "manages": request.access.can(Can.MANAGE_BUSINESS),
    }
    return render(request, "contacts/rules.html", "contacts/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_BUSINESS)
def rule_create(request: MemberRequest) -> HttpResponse:
    """GET, POST: create a tag rule. With try=1: a dry run."""
    access = request.access
    form = forms.RuleForm(request.POST or None, tags=selectors.tags_with_counts(access.business))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            if not request.POST.get("try"):
                rules.create(access.business, access.user, **form.values())
                messages.success(request, "The rule is at work.")
                return redirect(request, "contacts:rules")
            tried = rules.draft(access.business, **form.values())
            context["shown"], context["count"] = rules.dry_run(access.business, tried)
            context["tried"] = tried
        except DomainError as error:
            add_error(form, error)
    return _page(request, "contacts/rule_create.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_BUSINESS)
def rule_run(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """GET: a dry run of a rule. POST: run it."""
    access = request.access
    rule = rules.get(access.business, rule_id)
    if request.method == "POST":
        count = rules.run(access.business, rule, access.user)
        messages.success(request, f"{count} contacts got the tag {rule.tag}.")
        return redirect(request, "contacts:rules")
    shown, count = rules.dry_run(access.business, rule)
    context = {"rule": rule, "shown": shown, "count": count}
    return render(request, "contacts/rule_run.html", "contacts/rule_run.html", context)


@require_POST
@member(Can.MANAGE_BUSINESS)
def rule_switch(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """POST: pause or resume a rule."""
    active = request.POST.get("active") == "yes"
    rules.set_active(request.access.business, rule_id, request.access.user, active=active)
    return redirect(request, "contacts:rules")


@require_POST
@member(Can.MANAGE_BUSINESS)
def rule_delete(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """POST: delete a rule."""
    rules.delete(request.access.business, rule_id, request.access.user)
    messages.success(request, "The rule is deleted. What it tagged stays tagged.")
    return redirect(request, "contacts:rules")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_BUSINESS)
def consent_words(request: MemberRequest) -> HttpResponse:
    """GET, POST: edit the keywords that opt contacts out and in."""
    access = request.access
    form = forms.WordsForm(request.POST or None, words=consent_keywords.keywords_of(access.business.pk))
    if request.method == "POST" and request.POST.get("reset"):
        consent_keywords.reset(access.business, access.user)
        messages.success(request, "The built-in words are back.")
        return redirect(request, "contacts:consent_words")
    if (
        request.method == "POST"
        and form.is_valid()
        and _done(
            form,
            consent_keywords.save,
            access.business,
            access.user,
            form.keywords("stop"),
            form.keywords("start"),
        )
    ):
        messages.success(request, "The words are saved.")
        return redirect(request, "contacts:consent_words")
    context = {
        "form": form,
        "languages": [(name, *form.pair(code)) for code, name in keyword_matching.LANGUAGES.items()],
    }
    return _page(request, "contacts/consent_words.html", form, context)


def _done(form: Any, act: Any, *args: Any, **kwargs: Any) -> bool:
    """Call the service. Adds a domain error to the form and returns False."""
    try:
        act(*args, **kwargs)
    except DomainError as error:
        add_error(form, error)
        return False
    return True


def _page(request: MemberRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    focus_first_error(form)
    return render(request, template, template, context, status=422 if form.errors else 200)
