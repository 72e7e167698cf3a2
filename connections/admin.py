"""Read-only admin of numbers and simulated phones, without logins and codes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from connections.models import SandboxCustomer, SandboxPhone, UnstoredEvent, WhatsAppConnection
from connections.services import unstored_events


class ReadOnlyAdmin(admin.ModelAdmin):
    """Read-only admin: changes go through the services, which inform the runner and write the audit log."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WhatsAppConnection)
class WhatsAppConnectionAdmin(ReadOnlyAdmin):
    """Numbers with their lease (holder and expiry)."""

    list_display = (
        "display_name",
        "business_profile",
        "connection_mode",
        "status",
        "status_reason",
        "desired",
        "lease_owner",
        "lease_expires_at",
        "last_proof_at",
    )
    list_filter = ("status", "status_reason", "desired", "connection_mode")
    list_select_related = ("business_profile",)
    search_fields = ("=id", "name", "phone_number", "business_profile__business_name")
    exclude = ("session_data", "qr_code", "pairing_code", "pairing_phone")
    date_hierarchy = "created_at"


@admin.register(UnstoredEvent)
class UnstoredEventAdmin(ReadOnlyAdmin):
    """Events that could not be stored, with their error and a retry action. Message texts are not shown."""

    list_display = ("created_at", "business_profile", "connection", "kind", "error", "attempts", "tried_at")
    list_filter = ("kind", "error", "mode")
    list_select_related = ("business_profile", "connection")
    search_fields = ("=id", "=connection__id", "business_profile__business_name")
    exclude = ("event", "phone", "lid", "key")
    date_hierarchy = "created_at"
    actions = ("retry",)

    @admin.action(description="Retry the selected events")
    def retry(self, request: HttpRequest, queryset: QuerySet[UnstoredEvent]) -> None:
        event_ids = list(queryset.order_by("pk").values_list("pk", flat=True))
        stored = unstored_events.retry(event_ids)
        failed = len(event_ids) - stored
        if stored:
            text = ngettext("%(count)d event stored.", "%(count)d events stored.", stored)
            self.message_user(request, text % {"count": stored}, messages.SUCCESS)
        if failed:
            text = ngettext(
                "%(count)d event still can't be stored; its error says why.",
                "%(count)d events still can't be stored; their errors say why.",
                failed,
            )
            self.message_user(request, text % {"count": failed}, messages.WARNING)


@admin.register(SandboxPhone)
class SandboxPhoneAdmin(ReadOnlyAdmin):
    """Simulated phones of sandbox numbers."""

    list_display = ("number", "connection", "online", "speed", "cast_started")
    list_select_related = ("connection",)
    search_fields = ("number", "=connection__id")
    exclude = ("linked_secret", "qr_secret", "pairing_code", "pairing_phone")


@admin.register(SandboxCustomer)
class SandboxCustomerAdmin(ReadOnlyAdmin):
    """Simulated customers with the step of their script."""

    list_display = ("name", "number", "persona", "step", "hides_number", "blocked")
    list_filter = ("persona", "hides_number", "blocked")
    search_fields = ("name", "number", "=phone__id")
