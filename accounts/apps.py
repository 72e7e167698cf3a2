from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who may use a business's data."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import handlers
        from accounts.events import BusinessDeleted
        from whatsflow.core import events

        events.after(BusinessDeleted, handlers.purge_soon)
