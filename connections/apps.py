from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Numbers: how a business is linked to WhatsApp."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Subscribe to events; register public events and file removers."""
        from accounts.ports import register_file_remover
        from connections import public_events, subscriptions
        from connections.driver_stores import sandbox, whatsapp_web

        subscriptions.register()
        public_events.register()
        register_file_remover(sandbox.remove_media)
        register_file_remover(whatsapp_web.remove_sessions)
