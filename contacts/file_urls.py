"""URLs of imports and of the export."""

from django.urls import path

from contacts.views import exports, imports

app_name = "contact_files"

urlpatterns = [
    path("import/", imports.index, name="import"),
    path("import/<uuid:import_id>/", imports.detail, name="import_detail"),
    path("import/<uuid:import_id>/preview/", imports.preview, name="import_preview"),
    path("import/<uuid:import_id>/reading/", imports.reading, name="import_reading"),
    path("import/<uuid:import_id>/start/", imports.start, name="import_start"),
    path("import/<uuid:import_id>/discard/", imports.discard, name="import_discard"),
    path("export/", exports.export, name="export"),
]
