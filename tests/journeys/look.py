"""A page as people see it: on a desk and on a phone, light and dark. Pictures are kept in var/screenshots/."""

from __future__ import annotations

import zlib
from itertools import product

from tests.journeys.person import DESKTOP, PHONE, Person

SIZES = {"desktop": DESKTOP, "phone": PHONE}
THEMES = ("light", "dark")
PAIRS = (
    {("desktop", "light"), ("phone", "dark")},
    {("desktop", "dark"), ("phone", "light")},
)


def look(person: Person, name: str) -> list[str]:
    """Shoot the page in each size and theme; what axe complains of, and pages that scroll sideways.

    axe looks at each size and each theme once, at half of the pages at the other pairs of them.
    """
    complaints: list[str] = []
    pairs = PAIRS[zlib.crc32(name.encode()) % 2]
    for (size, metrics), theme in product(SIZES.items(), THEMES):
        person.dress(metrics, theme)
        person.settled()
        person.shoot(f"{name}-{size}-{theme}")
        if (size, theme) in pairs:
            complaints += [
                f"{name}, {size}, {theme}: {complaint}" for complaint in person.complaints_of_axe()
            ]
        if person.is_wider_than_the_window():
            complaints.append(f"{name}, {size}, {theme}: the page scrolls sideways")
    person.dress(DESKTOP, "light")
    return complaints
