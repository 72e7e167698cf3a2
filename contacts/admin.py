"""Contacts in the Django admin, for operators."""

from django.contrib import admin

from contacts.models import Contact, ContactIdentity


class IdentityInline(admin.TabularInline):
    model = ContactIdentity
    extra = 0
    can_delete = False
    fields = ("kind", "value", "created_at")
    readonly_fields = fields


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):
    list_display = ("id", "display_name", "business_profile", "total_messages", "last_message_at")
    list_select_related = ("business_profile",)
    search_fields = ("id", "name", "phone_number")
    readonly_fields = ("business_profile", "first_message_at", "last_message_at", "total_messages")
    show_full_result_count = False
    inlines = (IdentityInline,)
