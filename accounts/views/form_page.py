"""One way to show a page with a form, filled in wrongly or not at all."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def form_page(request: HttpRequest, template: str, form: BaseForm, **context: Any) -> HttpResponse:
    """The page; status 422 and the first wrong field in focus when something must be corrected."""
    focus_first_error(form)
    return render(request, template, {"form": form, **context}, status=422 if form.errors else 200)


def focus_first_error(form: BaseForm) -> None:
    """Put the cursor where the first correction is needed, without JavaScript."""
    wrong = [name for name in form.fields if name in form.errors]
    if not wrong:
        return
    for name, field in form.fields.items():
        field.widget.attrs.pop("autofocus", None)
        if name == wrong[0]:
            field.widget.attrs["autofocus"] = True
