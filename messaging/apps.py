from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Conversations, messages, media, the outbox and the live inbox."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
