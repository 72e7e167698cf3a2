from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """Contacts, tags, segments, import and export."""

    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register public events, job kinds, bulk actions and file cleanup."""
        from accounts.ports import register_file_remover
        from contacts import job_kinds, public_events
        from contacts.importing import storage

        public_events.register()
        job_kinds.register()
        register_file_remover(storage.remove_of_business)
