"""Addresses of accounts in the API."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("auth/register", api.Auth.as_view({"post": "register"}), name="auth-register"),
    path("auth/login", api.Auth.as_view({"post": "login"}), name="auth-login"),
    path("auth/refresh", api.Auth.as_view({"post": "refresh"}), name="auth-refresh"),
    path("auth/logout", api.Auth.as_view({"post": "logout"}), name="auth-logout"),
    path("auth/me", api.Auth.as_view({"get": "me"}), name="auth-me"),
    path(
        "business",
        api.Business.as_view(
            {"get": "retrieve", "post": "create", "put": "update", "patch": "partial_update"}
        ),
        name="business",
    ),
    path(
        "business/origins",
        api.Origins.as_view({"get": "retrieve", "put": "update"}),
        name="business-origins",
    ),
    path("team", api.Team.as_view({"get": "list"}), name="team"),
]
