from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """What came of it: the overview a business opens first."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
