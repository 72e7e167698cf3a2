"""Drawn images of the sandbox: photos that customers send and their profile pictures. Deterministic by seed."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw

from connections.drivers.base import MediaBlob
from connections.drivers.sandbox.store import Customer

PHOTO_SIZE = (720, 540)
PORTRAIT_SIZE = 320
_SKINS = ((255, 219, 172), (241, 194, 125), (224, 172, 105), (198, 134, 66), (141, 85, 36))
_HAIRS = ((38, 28, 22), (92, 58, 34), (160, 120, 60), (120, 120, 124), (150, 70, 40))


def parcel_photo(seed: int) -> bytes:
    """Draw a parcel on a table as JPEG."""
    rng = random.Random(seed)  # noqa: S311 (not security-relevant)
    image = Image.new("RGB", PHOTO_SIZE)
    pen = ImageDraw.Draw(image)
    _wall(pen, rng)
    _parcel(pen, rng)
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _wall(pen: ImageDraw.ImageDraw, rng: random.Random) -> None:
    red, green, blue = (rng.randrange(150, 220) for _ in range(3))
    for y in range(PHOTO_SIZE[1]):
        fade = 0.75 + 0.25 * y / PHOTO_SIZE[1]
        pen.line([(0, y), (PHOTO_SIZE[0], y)], fill=(int(red * fade), int(green * fade), int(blue * fade)))
    pen.rectangle([0, 400, *PHOTO_SIZE], fill=(118, 84, 58))
    for x in range(0, PHOTO_SIZE[0], 90):
        pen.line([(x + rng.randrange(20), 400), (x - 40, PHOTO_SIZE[1])], fill=(96, 66, 44), width=3)


def _parcel(pen: ImageDraw.ImageDraw, rng: random.Random) -> None:
    left, top = 190 + rng.randrange(-40, 40), 200 + rng.randrange(-20, 20)
    pen.polygon(
        [(left, top), (left + 60, top - 60), (left + 380, top - 60), (left + 320, top)], fill=(214, 178, 128)
    )
    pen.polygon(
        [(left + 320, top), (left + 380, top - 60), (left + 380, top + 170), (left + 320, top + 230)],
        fill=(164, 124, 78),
    )
    pen.rectangle([left, top, left + 320, top + 230], fill=(190, 150, 100))
    pen.rectangle([left + 140, top, left + 180, top + 230], fill=(226, 210, 170))
    dent = [(left + rng.randrange(200, 300), top + rng.randrange(60, 200)) for _ in range(6)]
    pen.polygon(dent, fill=(92, 66, 40))
    pen.rectangle([left + 20, top + 150, left + 120, top + 210], fill=(250, 250, 246))
    for line in range(4):
        pen.line(
            [(left + 28, top + 162 + 12 * line), (left + 60 + rng.randrange(50), top + 162 + 12 * line)],
            fill=(40, 40, 40),
            width=2,
        )


def profile_picture(customer: Customer) -> MediaBlob | None:
    """Return a customer's profile picture; None if they hide their number, and for a quarter of the others."""
    rng = random.Random(customer.lid or customer.number)  # noqa: S311 (not security-relevant)
    if customer.hides_number or rng.random() < 0.25:
        return None
    return MediaBlob(portrait(rng.randrange(2**32)), "image/jpeg", "picture.jpg")


def portrait(seed: int) -> bytes:
    """Draw a person as JPEG."""
    rng = random.Random(seed)  # noqa: S311 (not security-relevant)
    wall, shirt = (tuple(rng.randrange(90, 230) for _ in range(3)) for _ in range(2))
    skin, hair = rng.choice(_SKINS), rng.choice(_HAIRS)
    image = Image.new("RGB", (PORTRAIT_SIZE, PORTRAIT_SIZE), wall)
    pen = ImageDraw.Draw(image)
    pen.ellipse([50, 215, 270, 430], fill=shirt)
    pen.rectangle([138, 180, 182, 235], fill=skin)
    pen.ellipse([92, 58, 228, 150 + rng.randrange(0, 90)], fill=hair)
    pen.ellipse([105, 80, 215, 215], fill=skin)
    pen.pieslice([100, 62, 220, 170], 180, 360, fill=hair)
    for x in (140, 172):
        pen.ellipse([x, 138, x + 9, 149], fill=(40, 30, 28))
    pen.arc([135, 150, 185, 192], 25, 155, fill=(120, 50, 45), width=4)
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
