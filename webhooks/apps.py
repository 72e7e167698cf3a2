from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Webhook endpoints, their deliveries and the event feed."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the recorder of public events and the test event."""
        from webhooks import public_events

        public_events.register()
