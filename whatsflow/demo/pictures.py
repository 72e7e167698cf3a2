"""Generated pictures of pottery."""

from __future__ import annotations

import hashlib
import random
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from accounts.models import BusinessProfile
from messaging.models import MediaFile
from whatsflow.demo.history import PICTURES

SIZE = (960, 720)
THUMBNAIL = (320, 320)
_GLAZES = ("#2f5d8a", "#7d8f69", "#d9b88f", "#f2ede4", "#3c3f45", "#b5583a", "#d4a33b", "#6d3b5d", "#3e9c9a")


def draw(number: int) -> Image.Image:
    """Draw a bowl, a vase or a plate on a shelf, deterministic by number."""
    chance = random.Random(number)  # noqa: S311 (scenery, not secrets)
    width, height = SIZE
    image = Image.new("RGB", SIZE, chance.choice(("#e9e2d6", "#dfe5e8", "#efe6dd")))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 0.72, width, height), fill="#a67c52")
    for x in range(0, width, 60):
        pen.line((x, height * 0.72, x + 25, height), fill="#94693f", width=2)
    glaze = chance.choice(_GLAZES)
    middle, floor = width // 2 + chance.randrange(-60, 60), int(height * 0.8)
    (_bowl, _vase, _plate)[number % 3](pen, middle, floor, glaze)
    return image


def _bowl(pen: ImageDraw.ImageDraw, x: int, floor: int, glaze: str) -> None:
    pen.pieslice((x - 230, floor - 330, x + 230, floor + 30), 0, 180, fill=glaze)
    pen.ellipse((x - 230, floor - 190, x + 230, floor - 110), fill="#faf6ee", outline=glaze, width=10)
    pen.rectangle((x - 70, floor + 20, x + 70, floor + 40), fill=glaze)


def _vase(pen: ImageDraw.ImageDraw, x: int, floor: int, glaze: str) -> None:
    pen.ellipse((x - 140, floor - 300, x + 140, floor + 20), fill=glaze)
    pen.rectangle((x - 50, floor - 430, x + 50, floor - 250), fill=glaze)
    pen.ellipse((x - 70, floor - 450, x + 70, floor - 410), fill="#faf6ee", outline=glaze, width=8)


def _plate(pen: ImageDraw.ImageDraw, x: int, floor: int, glaze: str) -> None:
    pen.ellipse((x - 280, floor - 330, x + 280, floor + 20), fill=glaze)
    pen.ellipse((x - 200, floor - 265, x + 200, floor - 45), fill="#faf6ee", outline="#d8cfc0", width=6)


def create_all(business: BusinessProfile) -> list[MediaFile]:
    """Store all pictures as media files of the business, in order of their numbers."""
    return [_store(business, number) for number in range(PICTURES)]


def _store(business: BusinessProfile, number: int) -> MediaFile:
    image = draw(number)
    data = _jpeg(image)
    small = image.copy()
    small.thumbnail(THUMBNAIL)
    media = MediaFile(
        business_profile=business,
        kind="image",
        mime="image/jpeg",
        name=f"picture-{number + 1}.jpg",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=SIZE[0],
        height=SIZE[1],
    )
    media.file.save("", ContentFile(data), save=False)
    media.thumbnail.save("", ContentFile(_jpeg(small)), save=False)
    media.save()
    return media


def _jpeg(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()
