from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who may use a business's data."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from accounts import handlers
        from accounts.events import BusinessDeleted, MembershipChanged
        from core import events

        events.after(BusinessDeleted, handlers.purge_soon)
        events.inside(MembershipChanged, handlers.end_tokens)
        check_request_enabled.connect(handlers.origin_is_allowed)
