"""Addresses of the overview and of what belongs to the frame of every page."""

from django.urls import path

from analytics import views

urlpatterns = [
    path("", views.home, name="home"),
    path("theme/", views.theme, name="theme"),
]
