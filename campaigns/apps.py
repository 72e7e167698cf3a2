from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Broadcasts."""

    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"
