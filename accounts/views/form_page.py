"""Rendering of form pages."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def form_page(request: HttpRequest, template: str, form: BaseForm, **context: Any) -> HttpResponse:
    """Render a form; with errors the status is 422 and the first invalid field has the focus."""
    focus_first_error(form)
    return render(request, template, {"form": form, **context}, status=422 if form.errors else 200)


def focus_first_error(form: BaseForm) -> None:
    """Set `autofocus` on the first field with an error."""
    invalid = [name for name in form.fields if name in form.errors]
    if not invalid:
        return
    for name, field in form.fields.items():
        field.widget.attrs.pop("autofocus", None)
        if name == invalid[0]:
            field.widget.attrs["autofocus"] = True
