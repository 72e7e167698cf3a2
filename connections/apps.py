from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """How a business is linked to WhatsApp."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the open pages what happens to numbers."""
        from connections import handlers

        handlers.register()
