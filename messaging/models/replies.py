"""Quick replies."""

from __future__ import annotations

from django.db import models

from accounts.models import BusinessProfile, User
from core.db.models import TimestampedModel


class QuickReply(TimestampedModel):
    """Reusable text, inserted in the composer by `/shortcut`. Placeholders like {{name}} are replaced."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    shortcut = models.CharField(max_length=32, help_text="Lower case, without the slash.")
    text = models.TextField()
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "quick_replies"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "shortcut"], name="quick_replies_shortcut_unique"
            )
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"
