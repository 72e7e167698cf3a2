from django.apps import AppConfig


class WhatsFlowConfig(AppConfig):
    """Composition root: settings, routes, processes."""

    name = "whatsflow"

    def ready(self) -> None:
        from whatsflow import checks  # noqa: F401
