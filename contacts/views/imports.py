"""The import pages: upload, mapping with a preview, job."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from contacts.importing import contexts, imports
from contacts.models import ContactImport
from core.errors import InvalidInput
from core.web.htmx import redirect, render
from jobs import fragments


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def index(request: MemberRequest) -> HttpResponse:
    """GET: the upload form. POST: upload a file and continue to its mapping."""
    access, error = request.access, ""
    if request.method == "POST":
        try:
            return redirect(request, "contact_files:import_detail", _uploaded(request).pk)
        except InvalidInput as refused:
            error = refused.message
    context = {"error": error, "earlier": contexts.earlier(access), "here": "import"}
    return render(
        request, "contacts/import.html", "contacts/import.html", context, status=422 if error else 200
    )


def _uploaded(request: MemberRequest) -> ContactImport:
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput("no_file", "Choose a file first.", field="file")
    return imports.upload(request.access.business, request.access.user, file, file.name or "")


@never_cache
@require_safe
@member(Can.EDIT_CONTACTS)
def detail(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """GET: the mapping and the preview; once it is started, its job."""
    return _page(request, imports.get(request.access.business, import_id))


@require_POST
@member(Can.EDIT_CONTACTS)
def preview(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """POST: save the mapping and show the preview."""
    source, error = imports.get(request.access.business, import_id), ""
    try:
        source = _configured(request, import_id)
    except InvalidInput as refused:
        error = refused.message
    context = contexts.mapping(source, request.access, error)
    return render(request, "contacts/import_columns.html", "contacts/_import_preview.html", context)


@require_POST
@member(Can.EDIT_CONTACTS)
def reading(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """POST: read the file with another encoding, delimiter or header."""
    business, error = request.access.business, ""
    try:
        source = imports.reread(
            business,
            import_id,
            encoding=request.POST.get("encoding", ""),
            delimiter=request.POST.get("delimiter", ""),
            has_header=bool(request.POST.get("has_header")),
        )
    except InvalidInput as refused:
        source, error = imports.get(business, import_id), refused.message
    return _page(request, source, error)


@require_POST
@member(Can.EDIT_CONTACTS)
def start(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """POST: save the mapping and start the import."""
    access = request.access
    try:
        _configured(request, import_id)
        imports.start(access.business, access.user, import_id)
    except InvalidInput as refused:
        return _page(request, imports.get(access.business, import_id), refused.message)
    return redirect(request, "contact_files:import_detail", import_id)


@require_POST
@member(Can.EDIT_CONTACTS)
def discard(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """POST: delete the import."""
    imports.discard(request.access.business, request.access.user, import_id)
    messages.success(request, "The file is forgotten. Nothing was imported.")
    return redirect(request, "contact_files:import")


def _configured(request: MemberRequest, import_id: UUID) -> ContactImport:
    return imports.configure(
        request.access.business,
        import_id,
        mapping=request.POST.getlist("target"),
        country=request.POST.get("country", ""),
        duplicates=request.POST.get("duplicates", ""),
        tag=request.POST.get("tag", ""),
        full_numbers={"yes": True, "no": False}.get(request.POST.get("full_numbers", "")),
    )


def _page(request: MemberRequest, source: ContactImport, error: str = "") -> HttpResponse:
    context: dict[str, Any]
    if source.job is not None:
        context = {"source": source, "card": fragments.card(source.job, request.access), "here": "import"}
        return render(request, "contacts/import_job.html", "contacts/import_job.html", context)
    context = contexts.mapping(source, request.access, error)
    template = "contacts/import_columns.html"
    return render(request, template, template, context, status=422 if error else 200)
