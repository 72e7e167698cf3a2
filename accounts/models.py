"""Users, businesses (the tenants), memberships, invitations and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import scopes
from accounts.roles import Role
from core.db.models import TimestampedModel, UuidModel
from core.security.crypto import EncryptedTextField
from core.text import initials


class UserManager(BaseUserManager["User"]):
    """Manager of users; stores e-mail addresses in lower case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(TimestampedModel, AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address."""

    class Theme(models.TextChoices):
        AUTO = "auto", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField(max_length=255, unique=True)
    password = models.CharField(max_length=255, db_column="password_hash")
    full_name = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the operators' admin.")
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    shortcuts_enabled = models.BooleanField(default=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "users"
        constraints = [models.UniqueConstraint(Lower("email"), name="users_email_lower_unique")]

    def __str__(self) -> str:
        return self.full_name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    @property
    def initials(self) -> str:
        """Initials for the avatar, one or two letters."""
        return initials(self.full_name or self.email)


class BusinessProfile(TimestampedModel):
    """Business, the tenant to which all its rows point."""

    class Type(models.TextChoices):
        ECOMMERCE = "ecommerce", "Online shop"
        RETAIL = "retail", "Shop"
        SERVICE = "service", "Services"
        HEALTH = "health", "Clinic or practice"
        AGENCY = "agency", "Agency"
        OTHER = "other", "Something else"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="owned_businesses")
    business_name = models.CharField(max_length=255)
    industry = models.CharField(max_length=100, blank=True)
    website = models.URLField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    business_type = models.CharField(max_length=50, choices=Type.choices, default=Type.OTHER)
    ai_profile = models.JSONField(default=dict, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    default_country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166 code used for numbers without a country code."
    )
    members = models.ManyToManyField(User, through="Membership", related_name="businesses")
    deleted_at = models.DateTimeField(
        null=True,
        blank=True,
        db_index=True,
        help_text="Set when its owner deleted it; its rows are then removed.",
    )

    class Meta:
        db_table = "business_profiles"

    def __str__(self) -> str:
        return self.business_name


class Membership(TimestampedModel):
    """A user's role in one business."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)

    class Meta:
        db_table = "memberships"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "business_profile"], name="memberships_user_business_unique"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="memberships_role_known"),
        ]


class Invitation(TimestampedModel):
    """Link with which a person joins a business. Only the token's hash is stored."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=255, blank=True, help_text="If set, only this address may accept.")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "invitations"
        indexes = [models.Index(fields=["business_profile", "-created_at"], name="invitations_business")]


class ApiKey(TimestampedModel):
    """API key of one business. Only the key's prefix and hash are stored."""

    business_profile = models.ForeignKey(BusinessProfile, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        max_length=16, unique=True, help_text="The part that may be shown: wf_<prefix>_…"
    )
    key_hash = models.CharField(max_length=255)
    scopes = models.JSONField(default=list, help_text='Names like "contacts:read".')
    allowed_ips = models.JSONField(default=list, blank=True, help_text="Addresses or networks; empty: any.")
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "api_keys"
        indexes = [models.Index(fields=["business_profile", "-created_at"], name="api_keys_business")]

    def __str__(self) -> str:
        return self.name

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        return self.is_active and not self.has_expired

    @property
    def access_summary(self) -> str:
        """Summary of the scopes for people."""
        writes = [name for name in self.scopes if name.endswith(":write")]
        if set(self.scopes) == set(scopes.ALL):
            return "may do everything"
        changes = ", ".join(name.partition(":")[0] for name in writes)
        return f"reads {len(self.scopes)} kinds of things" + (f", changes {changes}" if changes else "")


class SecondFactor(TimestampedModel):
    """TOTP secret of a user. Until `confirmed_at` is set, two-factor authentication is not on."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedTextField(help_text="Base32, as authenticator apps take it.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(
        default=0, help_text="Step of the clock of the last code that counted."
    )

    class Meta:
        db_table = "second_factors"


class RecoveryCode(UuidModel):
    """Single-use recovery code for two-factor authentication. Only its hash is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "recovery_codes"
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_codes_unique")]


class TokenSession(TimestampedModel):
    """API session; all access and refresh tokens issued for it end with it.

    Only the newest refresh token is valid. Its id is stored here; tokens are not stored.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_sessions")
    refresh_id = models.CharField(max_length=64, help_text="jti of the refresh token that may be used next.")
    refreshed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "token_sessions"


class CorsOrigin(UuidModel):
    """Origin that a business allows to call the API from a browser."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="cors_origins"
    )
    origin = models.CharField(max_length=255, help_text="Like https://shop.example, without a path.")

    class Meta:
        db_table = "cors_origins"
        constraints = [
            models.UniqueConstraint(fields=["origin", "business_profile"], name="cors_origins_unique")
        ]


class IdempotencyRecord(UuidModel):
    """Request with an Idempotency-Key and the response that is replayed to its repetitions.

    Keys belong to a business, or to a user where the request creates the business.
    """

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    endpoint = models.CharField(max_length=255, help_text="Method and path.")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True, blank=True, help_text="Empty while the first request runs.")
    answer = EncryptedTextField(blank=True, default="", help_text="The stored body; it may hold a secret.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "idempotency_records"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "endpoint", "key"], name="idempotency_records_unique"
            ),
            models.UniqueConstraint(
                fields=["user", "endpoint", "key"], name="idempotency_records_unique_personal"
            ),
            models.CheckConstraint(
                condition=models.Q(business_profile=None, user__isnull=False)
                | models.Q(business_profile__isnull=False, user=None),
                name="idempotency_records_whose",
            ),
        ]


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Append-only query set: updating and deleting raise AuditLogIsFinal."""

    def update(self, **kwargs: Any) -> int:
        raise AuditLogIsFinal()

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise AuditLogIsFinal()

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditLogIsFinal()


class AuditLogIsFinal(TypeError):
    """Attempt to change or delete an entry of the audit log."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit log cannot be changed or removed")


class AuditEntry(UuidModel):
    """Audit log entry, written in the transaction of the change and never changed or deleted.

    The two foreign keys have no constraint in the database, because an entry outlives its business and actor. Triggers
    in the database refuse UPDATE and DELETE from any client.
    """

    business_profile = models.ForeignKey(
        BusinessProfile,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="audit_entries",
    )
    actor = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    action = models.CharField(max_length=64, help_text="Dotted verb, like connection.created.")
    target_type = models.CharField(max_length=64, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        db_table = "audit_log"
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["business_profile", "-created_at"], name="audit_business_created")]

    def __str__(self) -> str:
        return self.action

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditLogIsFinal()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AuditLogIsFinal()
