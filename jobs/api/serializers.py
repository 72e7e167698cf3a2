"""API serializers of jobs."""

from __future__ import annotations

from rest_framework import serializers

from core.api.framework import CamelCaseSerializer
from jobs.models import Job


class JobSerializer(CamelCaseSerializer):
    """Work that takes longer than a request."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="Like contacts.import.")
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=Job.State.choices)
    total = serializers.IntegerField(allow_null=True, help_text="Null while nobody knows.")
    done = serializers.IntegerField()
    summary = serializers.DictField(help_text="Counts by name.")
    error_code = serializers.CharField()
    error_message = serializers.CharField()
    has_file = serializers.BooleanField(help_text="Fetch it from GET /jobs/{jobId}/file.")
    file_name = serializers.CharField()
    file_expires_at = serializers.DateTimeField(allow_null=True)
    undo_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
