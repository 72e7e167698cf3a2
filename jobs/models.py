"""Background jobs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import BusinessProfile, User
from core.clock import now
from core.db.models import TimestampedModel


class Job(TimestampedModel):
    """Work that takes longer than a request.

    The row is its queue entry, its lease and its saved state.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="jobs", db_index=False
    )
    kind = models.CharField(max_length=64, help_text="Dotted name in jobs.registry, like contacts.import.")
    title = models.CharField(max_length=255, blank=True, help_text="What it is about, as a person would say.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    total = models.PositiveIntegerField(null=True, blank=True, help_text="Empty while nobody knows.")
    done = models.PositiveIntegerField(default=0)
    params = models.JSONField(default=dict, blank=True)
    state_data = models.JSONField(
        default=dict, blank=True, help_text="Where whoever takes it over goes on from."
    )
    summary = models.JSONField(default=dict, blank=True, help_text="Counts by name, and notes.")
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="undone_by"
    )

    file = models.CharField(max_length=255, blank=True, help_text="Where the result lies in the storage.")
    file_name = models.CharField(max_length=255, blank=True)
    file_type = models.CharField(max_length=127, blank=True)
    file_size = models.BigIntegerField(default=0)
    file_expires_at = models.DateTimeField(null=True, blank=True)
    undo_until = models.DateTimeField(null=True, blank=True)

    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Times it was begun since it last got on."
    )
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "jobs"
        indexes = [
            models.Index(fields=["business_profile", "-id"], name="jobs_of_business"),
            models.Index(fields=["id"], condition=Q(state__in=["queued", "running"]), name="jobs_open"),
            models.Index(
                fields=["file_expires_at"], condition=Q(file_expires_at__isnull=False), name="jobs_files"
            ),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="jobs_finished"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.kind

    @property
    def is_over(self) -> bool:
        """Whether the job ended."""
        return self.state not in (self.State.QUEUED, self.State.RUNNING)

    @property
    def is_cancelling(self) -> bool:
        return self.cancel_requested_at is not None and not self.is_over

    @property
    def has_file(self) -> bool:
        """Whether there is a result that has not expired."""
        return bool(self.file) and self.file_expires_at is not None and self.file_expires_at > now()
