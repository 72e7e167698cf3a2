"""Endpoints for authentication, the business, its allowed origins and its team."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from rest_framework.request import Request

from accounts import selectors
from accounts.access import Access
from accounts.api import serializers
from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.lockout import client_address
from accounts.models import User
from accounts.roles import Can
from accounts.scopes import Resource
from accounts.services import businesses, origins, signup, tokens, two_factor
from accounts.services.tokens import TokenPair
from core import rate_limit
from core.errors import Forbidden, InvalidInput, Unauthorized

REGISTRATIONS_PER_HOUR = 30
_EXAMPLE_LOGIN = {"email": "olive@example.com", "password": "correct horse battery staple"}


class Auth(Endpoint):
    """Tokens for users. Programs use API keys, which are created in the dashboard."""

    section = "Authentication"

    @operation(
        "Register",
        body=serializers.RegisterBody,
        answer=serializers.SignedInSerializer,
        status=201,
        public=True,
        example={**_EXAMPLE_LOGIN, "businessName": "Blue Bakery"},
    )
    def register(self, request: Request) -> dict[str, Any]:
        """Create an account and sign in. With `businessName` also creates its first business, with you as owner."""
        if not settings.REGISTRATION_OPEN:
            raise Forbidden(
                "New accounts are by invitation only. Ask an owner or admin of a team for a link."
            )
        rate_limit.require("register", client_address(self.http_request) or "", REGISTRATIONS_PER_HOUR)
        return _signed_in(signup.register(**self.data))

    @operation(
        "Log in",
        body=serializers.LoginBody,
        answer=serializers.SignedInSerializer,
        public=True,
        fails=(401,),
        example=_EXAMPLE_LOGIN,
    )
    def login(self, request: Request) -> dict[str, Any]:
        """Sign in with e-mail address and password. Five wrong passwords lock the account for a while (429)."""
        plain = self.http_request
        credentials = self.data
        user = authenticate(plain, username=credentials["email"], password=credentials["password"])
        if not isinstance(user, User):
            raise Unauthorized("wrong_credentials", "Address and password do not belong together.")
        _check_second_factor(user, credentials["code"])
        user_logged_in.send(sender=User, request=plain, user=user)
        return _signed_in(user)

    @operation(
        "Refresh",
        body=serializers.RefreshBody,
        answer=serializers.TokensSerializer,
        public=True,
        fails=(401,),
        example={"refresh": "eyJhbGciOi…"},
    )
    def refresh(self, request: Request) -> TokenPair:
        """Exchange a refresh token for a new pair. Reusing one ends the session: it may have been stolen."""
        return tokens.refresh(self.data["refresh"])

    @operation(
        "Log out",
        body=serializers.RefreshBody,
        public=True,
        fails=(401,),
        example={"refresh": "eyJhbGciOi…"},
    )
    def logout(self, request: Request) -> None:
        """End the session. Its refresh token and its access tokens are no longer valid."""
        tokens.close_session(self.data["refresh"])

    @operation("Who am I", answer=serializers.MeSerializer, unscoped=True)
    def me(self, request: Request) -> dict[str, Any]:
        """Get the calling user or key, and the business in which they act."""
        access = cast(Access | None, request.auth)
        return {
            "user": request.user,
            "business": access.business if access else None,
            "role": access.role if access else None,
            "businesses": [access.business] if access and access.key else selectors.businesses_of(self.user),
            "api_key": access.key if access else None,
        }


def _check_second_factor(user: User, code: str) -> None:
    """Check the code if the account has two-factor authentication. Raises Unauthorized."""
    if not two_factor.is_on(user):
        return
    if not code:
        raise Unauthorized(
            "second_factor_required", "This account also wants the code of your app, as `code`."
        )
    try:
        two_factor.check(user, code)
    except InvalidInput as error:
        raise Unauthorized(error.code, error.message) from None


def _signed_in(user: User) -> dict[str, Any]:
    pair = tokens.open_session(user)
    return {**vars(pair), "user": user, "businesses": selectors.businesses_of(user)}


class Business(Endpoint):
    """The business of the credential."""

    section = "Business"
    resource = Resource.BUSINESS
    capability = Can.MANAGE_BUSINESS

    def current(self) -> Any:
        """Load the business afresh."""
        return selectors.get_business(self.business.pk)

    @operation("Get the business", answer=serializers.BusinessSerializer)
    def retrieve(self, request: Request) -> Any:
        """Get the profile of the business in which this request acts."""
        return self.business

    @operation(
        "Create a business",
        body=serializers.BusinessBody,
        answer=serializers.BusinessSerializer,
        status=201,
        personal=True,
        example={"businessName": "Blue Bakery", "timeZone": "Europe/Lisbon"},
    )
    def create(self, request: Request) -> Any:
        """Create a business with you as its owner. Select it by sending its id as X-Business-Id."""
        return businesses.create(self.user, **self.data)

    @operation(
        "Replace the profile",
        body=serializers.BusinessBody,
        answer=serializers.BusinessSerializer,
        conditional=True,
        example={"businessName": "Blue Bakery", "timeZone": "Europe/Lisbon"},
    )
    def update(self, request: Request) -> Any:
        """Replace the profile. Fields that are not sent are reset to their defaults."""
        return businesses.update(self.business, self.user, **self.data)

    @operation(
        "Change the profile",
        body=serializers.BusinessBody,
        answer=serializers.BusinessSerializer,
        conditional=True,
        example={"description": "Bread and cakes"},
    )
    def partial_update(self, request: Request) -> Any:
        """Change the fields that are sent."""
        return businesses.update(self.business, self.user, **self.data)


class Origins(Endpoint):
    """Origins that may call the API from the browser."""

    section = "Business"
    resource = Resource.BUSINESS
    capability = Can.MANAGE_API_KEYS

    def current(self) -> dict[str, Any]:
        """Load the list, locked until the change is made."""
        return {"origins": origins.lock_origins(self.business)}

    @operation("Get the allowed origins", answer=serializers.OriginsSerializer)
    def retrieve(self, request: Request) -> dict[str, Any]:
        """List the allowed origins. None by default: keys belong on servers, not in pages."""
        return {"origins": selectors.origins_of(self.business)}

    @operation(
        "Replace the allowed origins",
        body=serializers.OriginsBody,
        answer=serializers.OriginsSerializer,
        conditional=True,
        example={"origins": ["https://shop.example"]},
    )
    def update(self, request: Request) -> dict[str, Any]:
        """Allow pages of these origins to call the API (CORS). An empty list allows none."""
        return {"origins": origins.replace(self.business, self.user, self.data["origins"])}


class Team(Endpoint):
    """Members of the team."""

    section = "Team"
    resource = Resource.TEAM
    capability = Can.MANAGE_TEAM

    @operation(
        "List the team",
        answer=serializers.MembershipSerializer,
        many=True,
        pages="number",
        ordering={"createdAt": ("created_at", "id")},
    )
    def list(self, request: Request) -> Any:
        """List the members and their roles, by time of joining."""
        return selectors.members_of(self.business)
