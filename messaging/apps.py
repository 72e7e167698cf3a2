from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Conversations, messages, media, outbox, session runner and live inbox."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what lower apps need of messages, and subscribe to events."""
        from accounts.ports import register_file_remover
        from connections.ports import Messaging, register_messaging
        from contacts import ports as contacts_ports
        from contacts.models import TagRule
        from messaging import port_adapters, public_events, subscriptions
        from messaging.inbound import automation, receiver
        from messaging.media import media_files
        from messaging.outbox import holds
        from messaging.services import privacy

        register_messaging(
            Messaging(
                traffic=port_adapters.count_traffic,
                waiting_numbers=holds.waiting_numbers,
                receive_again=receiver.receive_again,
            )
        )
        register_file_remover(media_files.remove_all)
        contacts_ports.register_files(privacy.files_of)
        contacts_ports.register_timeline(port_adapters.timeline_entries)
        contacts_ports.register_places_of_messages(port_adapters.message_urls)
        contacts_ports.register_our_numbers(
            contacts_ports.OurNumbers(port_adapters.numbers_of, port_adapters.conversations_with)
        )
        contacts_ports.register_matcher(TagRule.Kind.KEYWORD, automation.wrote_keyword)
        contacts_ports.register_matcher(TagRule.Kind.FIRST_CONTACT, automation.first_contact)
        contacts_ports.register_matcher(TagRule.Kind.NO_ANSWER, automation.no_answer)
        subscriptions.register()
        public_events.register()
