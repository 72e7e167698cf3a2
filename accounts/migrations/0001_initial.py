import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.ids
import core.security.crypto
from core.db.migration_operations import CreateModels

AUDIT_LOG_IS_FINAL = {
    "postgresql": [
        """
        CREATE FUNCTION audit_log_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'entries of the audit log cannot be changed or removed'
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        """
        CREATE TRIGGER audit_log_is_final BEFORE UPDATE OR DELETE ON audit_log
            FOR EACH ROW EXECUTE FUNCTION audit_log_is_final()
        """,
    ],
    "sqlite": [
        """
        CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
        BEGIN SELECT RAISE(ABORT, 'entries of the audit log cannot be changed or removed'); END
        """,
        """
        CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
        BEGIN SELECT RAISE(ABORT, 'entries of the audit log cannot be changed or removed'); END
        """,
    ],
}


def make_audit_log_final(apps, schema_editor):
    """Refuse to change or delete an entry of the audit log, whatever client tries."""
    for statement in AUDIT_LOG_IS_FINAL[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="User",
                    fields=[
                        (
                            "last_login",
                            models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                        ),
                        (
                            "is_superuser",
                            models.BooleanField(
                                default=False,
                                help_text="Designates that this user has all permissions without explicitly assigning them.",
                                verbose_name="superuser status",
                            ),
                        ),
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("email", models.EmailField(max_length=255, unique=True)),
                        ("password", models.CharField(db_column="password_hash", max_length=255)),
                        ("full_name", models.CharField(blank=True, max_length=255)),
                        ("is_active", models.BooleanField(default=True)),
                        (
                            "is_staff",
                            models.BooleanField(default=False, help_text="May use the operators' admin."),
                        ),
                        ("time_zone", models.CharField(default="UTC", max_length=64)),
                        (
                            "theme",
                            models.CharField(
                                choices=[("auto", "As the system"), ("light", "Light"), ("dark", "Dark")],
                                default="auto",
                                max_length=5,
                            ),
                        ),
                        ("shortcuts_enabled", models.BooleanField(default=True)),
                        (
                            "groups",
                            models.ManyToManyField(
                                blank=True,
                                help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.group",
                                verbose_name="groups",
                            ),
                        ),
                        (
                            "user_permissions",
                            models.ManyToManyField(
                                blank=True,
                                help_text="Specific permissions for this user.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.permission",
                                verbose_name="user permissions",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "users",
                        "constraints": [
                            models.UniqueConstraint(
                                django.db.models.functions.text.Lower("email"),
                                name="users_email_lower_unique",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BusinessProfile",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("business_name", models.CharField(max_length=255)),
                        ("industry", models.CharField(blank=True, max_length=100)),
                        ("website", models.URLField(blank=True, max_length=500)),
                        ("description", models.TextField(blank=True)),
                        (
                            "business_type",
                            models.CharField(
                                choices=[
                                    ("ecommerce", "Online shop"),
                                    ("retail", "Shop"),
                                    ("service", "Services"),
                                    ("health", "Clinic or practice"),
                                    ("agency", "Agency"),
                                    ("other", "Something else"),
                                ],
                                default="other",
                                max_length=50,
                            ),
                        ),
                        ("ai_profile", models.JSONField(blank=True, default=dict)),
                        ("time_zone", models.CharField(default="UTC", max_length=64)),
                        (
                            "default_country",
                            models.CharField(
                                blank=True,
                                help_text="ISO 3166 code used for numbers without a country code.",
                                max_length=2,
                            ),
                        ),
                        (
                            "deleted_at",
                            models.DateTimeField(
                                blank=True,
                                db_index=True,
                                help_text="Set when its owner deleted it; its rows are then removed.",
                                null=True,
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="owned_businesses",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "business_profiles",
                    },
                ),
                migrations.CreateModel(
                    name="AuditEntry",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "action",
                            models.CharField(
                                help_text="Dotted verb, like connection.created.", max_length=64
                            ),
                        ),
                        ("target_type", models.CharField(blank=True, max_length=64)),
                        ("target_id", models.CharField(blank=True, max_length=64)),
                        ("data", models.JSONField(default=dict)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "actor",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="audit_entries",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "audit entry",
                        "verbose_name_plural": "audit log",
                        "db_table": "audit_log",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "-created_at"], name="audit_business_created"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ApiKey",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("name", models.CharField(max_length=100)),
                        (
                            "prefix",
                            models.CharField(
                                help_text="The part that may be shown: wf_<prefix>_…",
                                max_length=16,
                                unique=True,
                            ),
                        ),
                        ("key_hash", models.CharField(max_length=255)),
                        ("scopes", models.JSONField(default=list, help_text='Names like "contacts:read".')),
                        (
                            "allowed_ips",
                            models.JSONField(
                                blank=True, default=list, help_text="Addresses or networks; empty: any."
                            ),
                        ),
                        ("is_active", models.BooleanField(default=True)),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "last_used_at",
                            models.DateTimeField(blank=True, help_text="To the minute.", null=True),
                        ),
                        ("last_used_ip", models.GenericIPAddressField(blank=True, null=True)),
                        (
                            "created_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="api_keys",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "api_keys",
                        "indexes": [
                            models.Index(fields=["business_profile", "-created_at"], name="api_keys_business")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CorsOrigin",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "origin",
                            models.CharField(
                                help_text="Like https://shop.example, without a path.", max_length=255
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="cors_origins",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "cors_origins",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("origin", "business_profile"), name="cors_origins_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IdempotencyRecord",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("endpoint", models.CharField(help_text="Method and path.", max_length=255)),
                        ("key", models.CharField(max_length=255)),
                        ("body_hash", models.CharField(max_length=64)),
                        (
                            "status",
                            models.SmallIntegerField(
                                blank=True, help_text="Empty while the first request runs.", null=True
                            ),
                        ),
                        (
                            "answer",
                            core.security.crypto.EncryptedTextField(
                                blank=True, default="", help_text="The stored body; it may hold a secret."
                            ),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField(db_index=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "idempotency_records",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "endpoint", "key"),
                                name="idempotency_records_unique",
                            ),
                            models.UniqueConstraint(
                                fields=("user", "endpoint", "key"), name="idempotency_records_unique_personal"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("business_profile", None), ("user__isnull", False)),
                                    models.Q(("business_profile__isnull", False), ("user", None)),
                                    _connector="OR",
                                ),
                                name="idempotency_records_whose",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "email",
                            models.EmailField(
                                blank=True, help_text="If set, only this address may accept.", max_length=255
                            ),
                        ),
                        (
                            "role",
                            models.CharField(
                                choices=[
                                    ("owner", "Owner"),
                                    ("admin", "Admin"),
                                    ("agent", "Agent"),
                                    ("viewer", "Viewer"),
                                ],
                                default="agent",
                                max_length=10,
                            ),
                        ),
                        ("token_hash", models.CharField(max_length=64, unique=True)),
                        ("expires_at", models.DateTimeField()),
                        ("accepted_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "accepted_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="invitations",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "invited_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "invitations",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "-created_at"], name="invitations_business"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Membership",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "role",
                            models.CharField(
                                choices=[
                                    ("owner", "Owner"),
                                    ("admin", "Admin"),
                                    ("agent", "Agent"),
                                    ("viewer", "Viewer"),
                                ],
                                default="agent",
                                max_length=10,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "memberships",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "business_profile"), name="memberships_user_business_unique"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("role__in", ["owner", "admin", "agent", "viewer"])),
                                name="memberships_role_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RecoveryCode",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("code_hash", models.CharField(max_length=64)),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recovery_codes",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "recovery_codes",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "code_hash"), name="recovery_codes_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SecondFactor",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "secret",
                            core.security.crypto.EncryptedTextField(
                                help_text="Base32, as authenticator apps take it."
                            ),
                        ),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "last_step",
                            models.BigIntegerField(
                                default=0, help_text="Step of the clock of the last code that counted."
                            ),
                        ),
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="second_factor",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "second_factors",
                    },
                ),
                migrations.CreateModel(
                    name="TokenSession",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "refresh_id",
                            models.CharField(
                                help_text="jti of the refresh token that may be used next.", max_length=64
                            ),
                        ),
                        ("refreshed_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField(db_index=True)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="token_sessions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "token_sessions",
                    },
                ),
            ]
        ),
        migrations.AddField(
            model_name="businessprofile",
            name="members",
            field=models.ManyToManyField(
                related_name="businesses", through="accounts.Membership", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunPython(make_audit_log_final, migrations.RunPython.noop),
    ]
