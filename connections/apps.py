from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Numbers: how a business is linked to WhatsApp."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Subscribe to events and register file removers."""
        from accounts.ports import register_file_remover
        from connections import handlers, public_events, sandbox_store, session_vault

        handlers.register()
        public_events.register()
        register_file_remover(sandbox_store.remove_media)
        register_file_remover(session_vault.remove_sessions)
