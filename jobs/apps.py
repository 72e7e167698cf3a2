from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Long work with progress."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the open pages how jobs get on; stop those of a deleted business and remove their files."""
        from accounts.ports import register_file_remover
        from jobs import files, handlers

        handlers.register()
        register_file_remover(files.remove_of_business)
