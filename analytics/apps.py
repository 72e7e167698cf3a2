from typing import Any

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """The home page, reports, and daily aggregates."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install the triggers after each migration, which may have recreated tables."""
        from django.db.models.signals import post_migrate

        post_migrate.connect(_install_triggers, sender=self)


def _install_triggers(**kwargs: Any) -> None:
    from analytics.aggregates import install_triggers

    if kwargs["using"] == "default":
        install_triggers()
