from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """People."""

    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"
