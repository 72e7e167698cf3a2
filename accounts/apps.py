from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who may use a business's data."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
