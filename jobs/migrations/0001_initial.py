import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids
from core.db.migration_operations import CreateModels


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Job",
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
                            "kind",
                            models.CharField(
                                help_text="Dotted name in jobs.registry, like contacts.import.", max_length=64
                            ),
                        ),
                        (
                            "title",
                            models.CharField(
                                blank=True,
                                help_text="What it is about, as a person would say.",
                                max_length=255,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "Waiting"),
                                    ("running", "Running"),
                                    ("done", "Done"),
                                    ("cancelled", "Cancelled"),
                                    ("failed", "Failed"),
                                ],
                                default="queued",
                                max_length=10,
                            ),
                        ),
                        (
                            "total",
                            models.PositiveIntegerField(
                                blank=True, help_text="Empty while nobody knows.", null=True
                            ),
                        ),
                        ("done", models.PositiveIntegerField(default=0)),
                        ("params", models.JSONField(blank=True, default=dict)),
                        (
                            "state_data",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text="Where whoever takes it over goes on from.",
                            ),
                        ),
                        (
                            "summary",
                            models.JSONField(
                                blank=True, default=dict, help_text="Counts by name, and notes."
                            ),
                        ),
                        ("error_code", models.CharField(blank=True, max_length=64)),
                        ("error_message", models.TextField(blank=True)),
                        (
                            "file",
                            models.CharField(
                                blank=True, help_text="Where the result lies in the storage.", max_length=255
                            ),
                        ),
                        ("file_name", models.CharField(blank=True, max_length=255)),
                        ("file_type", models.CharField(blank=True, max_length=127)),
                        ("file_size", models.BigIntegerField(default=0)),
                        ("file_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("undo_until", models.DateTimeField(blank=True, null=True)),
                        ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                        ("not_before", models.DateTimeField(blank=True, null=True)),
                        (
                            "attempts",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="Times it was begun since it last got on."
                            ),
                        ),
                        ("lease_owner", models.CharField(blank=True, max_length=64)),
                        ("lease_epoch", models.PositiveIntegerField(default=0)),
                        ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="jobs",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "undoes",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="undone_by",
                                to="jobs.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "jobs",
                        "indexes": [
                            models.Index(fields=["business_profile", "-id"], name="jobs_of_business"),
                            models.Index(
                                condition=models.Q(("state__in", ["queued", "running"])),
                                fields=["id"],
                                name="jobs_open",
                            ),
                            models.Index(
                                condition=models.Q(("file_expires_at__isnull", False)),
                                fields=["file_expires_at"],
                                name="jobs_files",
                            ),
                            models.Index(
                                condition=models.Q(("finished_at__isnull", False)),
                                fields=["finished_at"],
                                name="jobs_finished",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
