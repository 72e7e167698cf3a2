from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Broadcasts: audience, schedule, ledger of recipients, results."""

    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what happens to messages, people and numbers."""
        from campaigns import handlers, public_events

        handlers.register()
        public_events.register()
