"""API routes of jobs."""

from django.urls import path

from jobs.api.views import Jobs

urlpatterns = [
    path("jobs", Jobs.as_view({"get": "list"}), name="jobs"),
    path("jobs/<uuid:job_id>", Jobs.as_view({"get": "retrieve"}), name="job"),
    path("jobs/<uuid:job_id>/cancel", Jobs.as_view({"post": "cancel"}), name="job-cancel"),
    path("jobs/<uuid:job_id>/undo", Jobs.as_view({"post": "undo"}), name="job-undo"),
    path("jobs/<uuid:job_id>/file", Jobs.as_view({"get": "file"}), name="job-file"),
]
