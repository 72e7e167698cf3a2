"""Addresses of campaigns."""

from django.urls import path

from campaigns import views

app_name = "campaigns"

urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.create, name="create"),
    path("preview/", views.preview, name="preview"),
    path("audience/", views.audience_count, name="audience"),
    path("templates/", views.templates, name="templates"),
    path("templates/new/", views.template_create, name="template_create"),
    path("templates/<uuid:template_id>/", views.template_edit, name="template_edit"),
    path("templates/<uuid:template_id>/delete/", views.template_delete, name="template_delete"),
    path("pacing/<uuid:connection_id>/", views.pacing, name="pacing"),
    path("<uuid:campaign_id>/", views.detail, name="detail"),
    path("<uuid:campaign_id>/edit/", views.edit, name="edit"),
    path("<uuid:campaign_id>/dry-run/", views.dry_run, name="dry_run"),
    path("<uuid:campaign_id>/recipients/", views.recipients, name="recipients"),
    path("<uuid:campaign_id>/missed.csv", views.missed_csv, name="missed_csv"),
    path("<uuid:campaign_id>/missed/", views.target_missed, name="target_missed"),
    path("<uuid:campaign_id>/launch/", views.launch, name="launch"),
    path("<uuid:campaign_id>/unschedule/", views.unschedule, name="unschedule"),
    path("<uuid:campaign_id>/pause/", views.pause, name="pause"),
    path("<uuid:campaign_id>/resume/", views.resume, name="resume"),
    path("<uuid:campaign_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:campaign_id>/retry/", views.retry, name="retry"),
    path("<uuid:campaign_id>/duplicate/", views.duplicate, name="duplicate"),
    path("<uuid:campaign_id>/test/", views.test_message, name="test"),
    path("<uuid:campaign_id>/delete/", views.delete, name="delete"),
]
