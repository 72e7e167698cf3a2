"""API serializers of numbers and the sandbox."""

from __future__ import annotations

from rest_framework import serializers

from connections.models import WhatsAppConnection
from core.api.fields import Choice, Flag, Key, Text
from core.api.framework import CamelCaseSerializer
from core.phone.phone import TEXT_LENGTH

MODES = WhatsAppConnection.Mode.choices


class ConnectionSerializer(CamelCaseSerializer):
    """A WhatsApp number."""

    id = serializers.UUIDField()
    name = serializers.CharField(help_text="What the team calls it.")
    phone_number = serializers.CharField(allow_null=True, help_text="E.164; null until the first scan.")
    connection_mode = serializers.ChoiceField(choices=MODES)
    status = serializers.ChoiceField(choices=WhatsAppConnection.Status.choices)
    status_reason = serializers.CharField(help_text="Why it is not connected; empty when it is.")
    status_changed_at = serializers.DateTimeField(allow_null=True)
    last_connected_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class StatusSerializer(ConnectionSerializer):
    """A number with its state explained."""

    title = serializers.CharField()
    text = serializers.CharField()
    next_step = serializers.CharField(help_text="What somebody can do about it; empty when nothing.")


class QrSerializer(CamelCaseSerializer):
    """QR code or pairing code. It changes every few seconds: ask again until the status is `connected`."""

    connection_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=WhatsAppConnection.Status.choices)
    qr_code = serializers.CharField(allow_null=True, help_text="Its content; null while none is on show.")
    expires_in = serializers.IntegerField(help_text="Seconds.")
    pairing_code = serializers.CharField(allow_null=True, help_text="To be typed on the phone, if asked for.")


class ConnectionBody(CamelCaseSerializer):
    """A new number."""

    name = Text(max_length=100, allow_blank=True, default="")
    connection_mode = Choice(choices=MODES, default=WhatsAppConnection.Mode.WHATSAPP_WEB)


class NameBody(CamelCaseSerializer):
    """Name that the team sees."""

    name = Text(max_length=100, allow_blank=True)


class ReleaseBody(CamelCaseSerializer):
    """What to do with queued messages."""

    send = Flag(help_text="Whether they leave; else they are cancelled.")


class ConnectBody(CamelCaseSerializer):
    """Way to connect."""

    phone_number = Text(
        max_length=TEXT_LENGTH,
        required=False,
        help_text="The phone's own number: link by a pairing code, not by QR.",
    )


class WhichBody(CamelCaseSerializer):
    """Choice of a number."""

    connection_id = Key(required=False, help_text="Without it: the default number.")


class ConnectDefaultBody(WhichBody, ConnectBody):
    """Choice of a number and the way to connect. A business without a number gets one."""

    connection_mode = Choice(choices=MODES, required=False, help_text="Of a number that is made by this.")


class WhichQuery(CamelCaseSerializer):
    """Choice of a number."""

    connection_id = Key(required=False, help_text="Without it: the default number.")


class CustomerSerializer(CamelCaseSerializer):
    """A simulated customer of a sandbox number."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    number = serializers.CharField()
    persona = serializers.CharField()


class SandboxMessageSerializer(CamelCaseSerializer):
    """A message as the simulated customer sees it."""

    id = serializers.UUIDField()
    customer_id = serializers.UUIDField()
    whatsapp_message_id = serializers.CharField(source="wa_id")
    from_me = serializers.BooleanField(help_text="Written by the business.")
    kind = serializers.CharField()
    body = serializers.CharField()
    created_at = serializers.DateTimeField()


class SandboxMessageBody(CamelCaseSerializer):
    """Message that a simulated customer writes."""

    text = Text(max_length=65_536)
    customer_id = Key(required=False, help_text="Who writes; without anybody named: the first customer.")
    from_number = Text(
        max_length=TEXT_LENGTH, required=False, help_text="Who writes, by their number; made if new."
    )
    connection_id = Key(required=False, help_text="To which sandbox number; without it: the default one.")


class SandboxQuery(CamelCaseSerializer):
    """Choice of a chat."""

    customer_id = Key(required=True)
