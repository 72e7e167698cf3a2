"""Pages of campaigns."""

from campaigns.views.actions import (
    cancel,
    delete,
    duplicate,
    launch,
    pause,
    resume,
    retry,
    target_missed,
    test_message,
    unschedule,
)
from campaigns.views.builder import audience_count, create, edit, preview
from campaigns.views.pacing import pacing
from campaigns.views.pages import detail, dry_run, index, missed_csv, recipients
from campaigns.views.templates import template_create, template_delete, template_edit, templates

__all__ = [
    "audience_count",
    "cancel",
    "create",
    "delete",
    "detail",
    "dry_run",
    "duplicate",
    "edit",
    "index",
    "launch",
    "missed_csv",
    "pacing",
    "pause",
    "preview",
    "recipients",
    "resume",
    "retry",
    "target_missed",
    "template_create",
    "template_delete",
    "template_edit",
    "templates",
    "test_message",
    "unschedule",
]
