"""Admin of accounts for operators, under /admin/."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import AuditEntry, BusinessProfile, Invitation, Membership, User
from accounts.services import operators, two_factor
from core.errors import Forbidden


@never_cache
def operators_login(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Redirect operators to the common login page, with its lockout and two-factor authentication."""
    if request.user.is_authenticated:
        raise Forbidden("These pages are for those who run this site.")
    return redirect_to_login(request.GET.get("next", "") or reverse("admin:index"))


admin.site.login = operators_login  # type: ignore[method-assign]
admin.site.site_header = "WhatsFlow for operators"
admin.site.site_title = "WhatsFlow"


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    """Users. Deactivating one ends their sessions at the next request.

    Users cannot be deleted here: that would delete the businesses that they created.
    """

    add_form = NewUserForm
    ordering = ("email",)
    list_display = ("email", "full_name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "full_name")
    readonly_fields = ("last_login", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name")}),
        ("Preferences", {"fields": ("time_zone", "theme", "shortcuts_enabled")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("last_login", "created_at", "updated_at")}),
    )
    actions = ("remove_second_factor",)
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    @admin.action(
        description="Take away the second step of signing in (of somebody who lost phone and codes)"
    )
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            two_factor.remove(user, cast(User, request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        operators.save_user(obj, cast(User, request.user), form.changed_data)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        user = self.get_object(request, unquote(id))
        if request.method == "POST" and response.status_code == 302 and user is not None:
            operators.password_set(user, cast(User, request.user))
        return response


class ReadOnlyAdmin(admin.ModelAdmin):
    """Read-only model admin."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):
    """Read-only memberships; they are changed on their own page, which records the change in the audit log."""

    model = Membership
    extra = 0
    can_delete = False
    readonly_fields = ("user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BusinessProfile)
class BusinessProfileAdmin(ReadOnlyAdmin):
    """Read-only businesses: only their owners change and delete them."""

    list_display = ("business_name", "user", "business_type", "created_at", "deleted_at")
    list_filter = ("business_type",)
    list_select_related = ("user",)
    search_fields = ("business_name", "user__email")
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ("user", "business_profile", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "business_profile")
    search_fields = ("user__email", "business_profile__business_name")
    raw_id_fields = ("user", "business_profile")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        operators.save_membership(obj, cast(User, request.user))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        operators.remove_membership(obj, cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        for membership in queryset.select_related("business_profile"):
            operators.remove_membership(membership, cast(User, request.user))


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = (
        "business_profile",
        "email",
        "role",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    list_select_related = ("business_profile",)
    search_fields = ("email", "business_profile__business_name")
    exclude = ("token_hash",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "action", "actor", "business_profile", "target_type", "target_id")
    list_select_related = ("actor", "business_profile")
    list_filter = ("action",)
    search_fields = ("action", "target_id")
    date_hierarchy = "created_at"
