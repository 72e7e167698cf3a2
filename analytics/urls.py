"""URLs of the home page, the analytics pages, and the colour theme."""

from django.urls import path

from analytics import views

urlpatterns = [
    path("", views.home, name="home"),
    path("theme/", views.theme, name="theme"),
    path("analytics/", views.overview, name="analytics"),
    path("analytics/contacts/", views.contacts, name="analytics_contacts"),
    path("analytics/campaigns/", views.campaigns, name="analytics_campaigns"),
    path("analytics/export.csv", views.export, name="analytics_export"),
    path("analytics/report/", views.report, name="analytics_report"),
]
