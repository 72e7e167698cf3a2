"""Save and delete message templates."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from campaigns.models import MessageTemplate
from core.errors import Conflict, InvalidInput, NotFound
from core.text import printable
from messaging.media import media_files as files
from messaging.models import MediaFile


def save(
    business: BusinessProfile,
    actor: User | None,
    *,
    name: str,
    content: str,
    media: MediaFile | None = None,
    template: MessageTemplate | None = None,
) -> MessageTemplate:
    """Create a template, or update `template`. Raises InvalidInput, NotFound, Conflict("name_taken")."""
    row = template or MessageTemplate(business_profile=business)
    if row.business_profile_id != business.pk or (media and media.business_profile_id != business.pk):
        raise NotFound("This template")
    row.name, row.content, row.media = printable(name), content.replace("\x00", "").rstrip(), media
    if not row.name or len(row.name) > 100:
        raise InvalidInput("name_missing", "Give it a name of up to 100 characters.", field="name")
    if not row.content.strip() and media is None:
        raise InvalidInput("empty_message", "Write a text or add a file.", field="content")
    if len(row.content) > settings.MESSAGE_MAX_LENGTH // 2:
        raise InvalidInput("message_too_long", "This text is too long for a message.", field="content")
    try:
        with transaction.atomic():
            row.save()
            if media:
                files.retain(media)
            audit.record(business, actor, "template.saved", row)
    except IntegrityError:
        raise Conflict("name_taken", "There is a template of this name. Choose another one.") from None
    return row


def delete(business: BusinessProfile, template: MessageTemplate, actor: User | None) -> None:
    """Delete a template; campaigns made from it keep their text."""
    if template.business_profile_id != business.pk:
        raise NotFound("This template")
    with transaction.atomic():
        audit.record(business, actor, "template.deleted", template)
        template.delete()
