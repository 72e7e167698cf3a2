from typing import Any

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """What came of it: the home page, and figures that agree with the rows."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See that the database marks what changes late, whenever tables may have been made anew."""
        from django.db.models.signals import post_migrate

        post_migrate.connect(_install_triggers, sender=self)


def _install_triggers(**kwargs: Any) -> None:
    from analytics.aggregates import triggers

    if kwargs["using"] == "default" and triggers.tables_are_there():
        triggers.install()
