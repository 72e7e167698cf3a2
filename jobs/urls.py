"""Addresses of jobs."""

from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("", views.index, name="list"),
    path("business/", views.hand_over, name="hand_over"),
    path("<uuid:job_id>/", views.detail, name="detail"),
    path("<uuid:job_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:job_id>/undo/", views.undo, name="undo"),
    path("<uuid:job_id>/file/", views.file, name="file"),
]
