"""Explanations for people why a message's file is not available."""

from __future__ import annotations

from django.conf import settings
from django.template.defaultfilters import filesizeformat

WAITING = "The download failed. It will be tried again."
WAITING_FOR_ROOM = "There is no room left for files on this server. The download will be tried again."
GIVEN_UP = "The file could not be downloaded after several tries. Open it on the phone."
_FINAL = {
    "media_gone": "WhatsApp no longer has this file. It may still be on the phone.",
    "empty_file": "The file is empty.",
    "storage_full": "There was no room left for files on this server. Open it on the phone.",
    "not_stored": "The file could not be saved on this server after several tries. Open it on the phone.",
    # Codes of files received by earlier versions, which did not keep every type.
    "forbidden_type": "Files of this type were not kept when this one arrived. Open it on the phone.",
    "broken_image": "Damaged pictures were not kept when this one arrived. Open it on the phone.",
    "image_too_large": "Pictures with so many pixels were not kept when this one arrived. Open it on the phone.",
}


def error_text(code: str, *, final: bool) -> str:
    """Return why a file is not available, or "". code: `MediaFile.error_code`. final: there is no further attempt."""
    if not code:
        return "The file is not available." if final else ""
    if not final:
        return WAITING_FOR_ROOM if code == "storage_full" else WAITING
    if code == "file_too_large":
        limit = filesizeformat(settings.MEDIA_MAX_BYTES["document"])
        return f"The file is larger than {limit}, the most that is kept here. Open it on the phone."
    return _FINAL.get(code, GIVEN_UP)
