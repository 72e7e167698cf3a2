"""Profile pictures of simulated customers: drawn, and the same for the same person. Some show none."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw

from connections.drivers.base import MediaBlob
from connections.drivers.sandbox.store import Customer

SIZE = 320
_SKINS = ((255, 219, 172), (241, 194, 125), (224, 172, 105), (198, 134, 66), (141, 85, 36))
_HAIRS = ((38, 28, 22), (92, 58, 34), (160, 120, 60), (120, 120, 124), (150, 70, 40))


def of(customer: Customer) -> MediaBlob | None:
    """Their picture, a JPEG of 320 x 320; None for those who hide their number, and for one in four of the others."""
    rng = random.Random(customer.lid or customer.number)  # noqa: S311 (scenery, not secrets)
    if customer.hides_number or rng.random() < 0.25:
        return None
    return MediaBlob(draw(rng.randrange(2**32)), "image/jpeg", "picture.jpg")


def draw(seed: int) -> bytes:
    """A JPEG of somebody, 320 x 320."""
    rng = random.Random(seed)  # noqa: S311 (scenery, not secrets)
    wall, shirt = (tuple(rng.randrange(90, 230) for _ in range(3)) for _ in range(2))
    skin, hair = rng.choice(_SKINS), rng.choice(_HAIRS)
    image = Image.new("RGB", (SIZE, SIZE), wall)
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
