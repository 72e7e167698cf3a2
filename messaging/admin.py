"""Read-only admin of messaging: statuses and ids, without texts."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from messaging.models import Conversation, MediaFile, Message, ParkedAck


class ReadOnlyAdmin(admin.ModelAdmin):
    """Read-only admin: only services may write these rows."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("id", "business_profile", "connection", "state", "unread_count", "last_message_at")
    list_select_related = ("business_profile", "connection")
    list_filter = ("state",)
    search_fields = ("id",)
    exclude = ("preview",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "business_profile",
        "direction",
        "message_type",
        "status",
        "error_code",
        "created_at",
    )
    list_select_related = ("business_profile",)
    list_filter = ("direction", "status", "origin")
    search_fields = ("id", "whatsapp_message_id")
    exclude = ("content", "metadata")
    raw_id_fields = ("contact", "conversation", "media")


@admin.register(MediaFile)
class MediaFileAdmin(ReadOnlyAdmin):
    list_display = ("id", "business_profile", "kind", "mime", "size", "state", "error_code")
    list_select_related = ("business_profile",)
    list_filter = ("state", "kind")
    search_fields = ("id",)
    exclude = ("name", "source", "file", "thumbnail")


@admin.register(ParkedAck)
class ParkedAckAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "whatsapp_message_id", "level", "at")
    list_select_related = ("connection",)
