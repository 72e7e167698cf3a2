from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Broadcasts: audience, schedule, ledger of recipients, results."""

    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what happens to messages, people and numbers; show it, and offer campaigns, where contacts are."""
        from campaigns import handlers, public_events, timeline
        from campaigns.services import contact_bulk_action
        from contacts import ports

        handlers.register()
        contact_bulk_action.register()
        ports.register_timeline(timeline.campaigns)
        public_events.register()
