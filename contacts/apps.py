from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """People."""

    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell other systems what happens to people."""
        from contacts import public_events

        public_events.register()
