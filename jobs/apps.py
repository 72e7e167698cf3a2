from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Long work with progress."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the open pages how jobs get on; stop those of a deleted business and remove their files."""
        from accounts.ports import register_file_remover
        from accounts.roles import Can
        from jobs import business_export, files, handlers, registry

        handlers.register()
        registry.register(
            business_export.KIND,
            business_export.run,
            label="Everything of the business",
            icon="archive",
            capability=Can.MANAGE_BUSINESS,
            words=business_export.WORDS,
        )
        register_file_remover(files.remove_of_business)
