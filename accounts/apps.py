from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, businesses, roles, API keys and the audit log."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from accounts import subscriptions

        subscriptions.register()
        check_request_enabled.connect(subscriptions.is_origin_allowed)
