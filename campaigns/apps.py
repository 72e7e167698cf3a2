from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Broadcasts: audience, schedule, recipients, results."""

    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register event subscriptions, public events, the bulk action and the contact timeline."""
        from campaigns import contact_bulk_action, public_events, subscriptions, timeline
        from contacts import ports

        subscriptions.register()
        contact_bulk_action.register()
        ports.register_timeline(timeline.campaigns)
        public_events.register()
