from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """People."""

    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell other systems what happens to people; say what jobs can do with them."""
        from accounts.ports import register_file_remover
        from contacts import job_kinds, public_events
        from contacts.importing import storage

        public_events.register()
        job_kinds.register()
        register_file_remover(storage.remove_of_business)
