"""URLs of accounts in the API."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("auth/register", views.Auth.as_view({"post": "register"}), name="auth-register"),
    path("auth/login", views.Auth.as_view({"post": "login"}), name="auth-login"),
    path("auth/refresh", views.Auth.as_view({"post": "refresh"}), name="auth-refresh"),
    path("auth/logout", views.Auth.as_view({"post": "logout"}), name="auth-logout"),
    path("auth/me", views.Auth.as_view({"get": "me"}), name="auth-me"),
    path(
        "business",
        views.Business.as_view(
            {"get": "retrieve", "post": "create", "put": "update", "patch": "partial_update"}
        ),
        name="business",
    ),
    path(
        "business/origins",
        views.Origins.as_view({"get": "retrieve", "put": "update"}),
        name="business-origins",
    ),
    path("team", views.Team.as_view({"get": "list"}), name="team"),
]
