from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Conversations, messages, media, the outbox and the live inbox."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register port implementations and event handlers."""
        from accounts.ports import register_file_remover
        from connections.events import LeaseTaken, NumberReleased
        from connections.ports import register_mailbox, register_traffic_counter
        from contacts import ports as contacts_ports
        from contacts.events import ContactBlocked, ContactDeleted, ContactsMerged
        from contacts.models import TagRule
        from core import events
        from messaging import port_adapters, public_events
        from messaging.events import MessageReceived
        from messaging.inbound import automation
        from messaging.inbox import live_updates
        from messaging.media import media_files
        from messaging.outbox import holds
        from messaging.outbox.dispatch import free_dead_claims
        from messaging.runner.mailbox import MessagingMailbox
        from messaging.services import privacy
        from messaging.services.merging import on_contacts_merged

        register_mailbox(MessagingMailbox())
        register_traffic_counter(port_adapters.count_traffic)
        register_file_remover(media_files.remove_all)
        events.inside(ContactsMerged, on_contacts_merged)
        events.inside(ContactBlocked, automation.on_blocked)
        events.inside(ContactDeleted, privacy.on_deleted)
        events.inside(MessageReceived, automation.on_received)
        contacts_ports.register_files(privacy.files_of)
        contacts_ports.register_timeline(port_adapters.timeline_entries)
        contacts_ports.register_places_of_messages(port_adapters.message_urls)
        contacts_ports.register_our_numbers(
            contacts_ports.OurNumbers(port_adapters.numbers_of, port_adapters.conversations_with)
        )
        contacts_ports.register_matcher(TagRule.Kind.KEYWORD, automation.wrote_keyword)
        contacts_ports.register_matcher(TagRule.Kind.FIRST_CONTACT, automation.came_lately)
        contacts_ports.register_matcher(TagRule.Kind.NO_ANSWER, automation.did_not_answer)
        events.inside(LeaseTaken, free_dead_claims)
        events.inside(NumberReleased, holds.on_released)
        live_updates.register()
        public_events.register()
