"""Serializers of users, businesses, teams and tokens."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import BusinessProfile
from accounts.roles import Role
from core.api.fields import Choice, Email, Items, JsonObject, Text
from core.api.framework import CamelCaseSerializer

PASSWORD_LENGTH = 4096


class UserSerializer(CamelCaseSerializer):
    """A person."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    full_name = serializers.CharField()
    time_zone = serializers.CharField()


class BusinessSerializer(CamelCaseSerializer):
    """A business."""

    id = serializers.UUIDField()
    business_name = serializers.CharField()
    business_type = serializers.ChoiceField(choices=BusinessProfile.Type.choices)
    industry = serializers.CharField()
    website = serializers.CharField()
    description = serializers.CharField()
    ai_profile = serializers.DictField(help_text="What assistants may know about the business.")
    time_zone = serializers.CharField()
    default_country = serializers.CharField(
        help_text="Numbers without a country code are read as this country's."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class BusinessBody(CamelCaseSerializer):
    """Profile of a business."""

    business_name = Text(max_length=255)
    business_type = Choice(choices=BusinessProfile.Type.choices, default=BusinessProfile.Type.OTHER)
    industry = Text(max_length=100, allow_blank=True, default="")
    website = Text(max_length=500, allow_blank=True, default="", help_text="https://… or empty.")
    description = Text(max_length=5000, allow_blank=True, default="")
    ai_profile = JsonObject(default=dict)
    time_zone = Text(max_length=64, default="UTC", help_text="Like Europe/Lisbon.")
    default_country = Text(
        max_length=2, allow_blank=True, default="", help_text="ISO 3166, like PT; or empty."
    )


class MembershipSerializer(CamelCaseSerializer):
    """A member of the team."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)
    user = UserSerializer()
    created_at = serializers.DateTimeField()


class OwnBusinessSerializer(CamelCaseSerializer):
    """A business that the user is a member of."""

    id = serializers.UUIDField()
    business_name = serializers.CharField()
    business_type = serializers.ChoiceField(choices=BusinessProfile.Type.choices)


class KeySerializer(CamelCaseSerializer):
    """An API key, without the secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class MeSerializer(CamelCaseSerializer):
    """The caller and their business."""

    user = UserSerializer(help_text="With an API key: the person who made it.")
    business = OwnBusinessSerializer(allow_null=True, help_text="In which this request acts.")
    role = serializers.ChoiceField(choices=Role.choices, allow_null=True)
    businesses = OwnBusinessSerializer(many=True, help_text="To choose from by X-Business-Id.")
    api_key = KeySerializer(allow_null=True)


class TokensSerializer(CamelCaseSerializer):
    """A pair of tokens. A refresh token is used once: keep the new one."""

    access = serializers.CharField(help_text="Send it as Authorization: Bearer …")
    refresh = serializers.CharField(help_text="Brings the next pair by auth/refresh.")
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")


class SignedInSerializer(TokensSerializer):
    """Tokens, with their user and the user's businesses."""

    user = UserSerializer()
    businesses = OwnBusinessSerializer(many=True)


class RegisterBody(CamelCaseSerializer):
    """A new account."""

    email = Email(max_length=255)
    password = Text(max_length=PASSWORD_LENGTH, help_text="10 characters or more, and not a common one.")
    full_name = Text(max_length=255, allow_blank=True, default="")
    time_zone = Text(max_length=64, default="UTC")
    business_name = Text(max_length=255, required=False, help_text="Also create a business of this name.")


class LoginBody(CamelCaseSerializer):
    """E-mail, password and optional TOTP code."""

    email = Text(max_length=255)
    password = Text(max_length=PASSWORD_LENGTH)
    code = Text(
        max_length=64,
        allow_blank=True,
        default="",
        help_text="Where the account has a second step: the code of the authenticator app, or a recovery code.",
    )


class RefreshBody(CamelCaseSerializer):
    """A refresh token."""

    refresh = Text(max_length=4096)


class OriginsSerializer(CamelCaseSerializer):
    """Origins whose pages may call the API from the browser."""

    origins = serializers.ListField(child=serializers.CharField())


class OriginsBody(CamelCaseSerializer):
    """Origins to allow."""

    origins = Items(
        child=Text(max_length=255), max_length=20, help_text="Like https://shop.example, no path."
    )
