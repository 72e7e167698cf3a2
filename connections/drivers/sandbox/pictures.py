"""Pictures that simulated customers send: drawn, not photographed, and the same for the same seed."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw

SIZE = (720, 540)


def draw(seed: int) -> bytes:
    """A JPEG of a parcel on a table, 720 x 540."""
    rng = random.Random(seed)  # noqa: S311 (scenery, not secrets)
    image = Image.new("RGB", SIZE)
    pen = ImageDraw.Draw(image)
    _wall(pen, rng)
    _parcel(pen, rng)
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _wall(pen: ImageDraw.ImageDraw, rng: random.Random) -> None:
    red, green, blue = (rng.randrange(150, 220) for _ in range(3))
    for y in range(SIZE[1]):
        fade = 0.75 + 0.25 * y / SIZE[1]
        pen.line([(0, y), (SIZE[0], y)], fill=(int(red * fade), int(green * fade), int(blue * fade)))
    pen.rectangle([0, 400, *SIZE], fill=(118, 84, 58))
    for x in range(0, SIZE[0], 90):
        pen.line([(x + rng.randrange(20), 400), (x - 40, SIZE[1])], fill=(96, 66, 44), width=3)


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
