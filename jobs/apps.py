from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs with progress and results."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Subscribe to events, register the business export and the file remover."""
        from accounts.ports import register_file_remover
        from accounts.roles import Can
        from jobs import business_export, files, registry, subscriptions

        subscriptions.register()
        registry.register(
            business_export.KIND,
            business_export.run,
            label="Everything of the business",
            icon="archive",
            capability=Can.MANAGE_BUSINESS,
            words=business_export.WORDS,
        )
        register_file_remover(files.remove_of_business)
