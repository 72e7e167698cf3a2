from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Conversations, messages, media, the outbox and the live inbox."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand the mailbox to the session runner, and listen."""
        from accounts.ports import register_file_remover
        from connections.events import LeaseTaken
        from connections.ports import register_mailbox, register_traffic_counter
        from contacts.events import ContactsMerged
        from messaging import handlers, public_events, traffic
        from messaging.services import media
        from messaging.services.dispatch import free_dead_claims
        from messaging.services.mailbox import MessagingMailbox
        from messaging.services.merging import on_contacts_merged
        from whatsflow.core import events

        register_mailbox(MessagingMailbox())
        register_traffic_counter(traffic.count)
        register_file_remover(media.remove_all)
        events.inside(ContactsMerged, on_contacts_merged)
        events.inside(LeaseTaken, free_dead_claims)
        handlers.register()
        public_events.register()
