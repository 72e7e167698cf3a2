"""A page as people see it: on a desk and on a phone, light and dark. Pictures are kept in var/screenshots/."""

from __future__ import annotations

from itertools import product

from tests.journeys.person import DESKTOP, PHONE, Person

SIZES = {"desktop": DESKTOP, "phone": PHONE}
THEMES: dict[str, tuple[str, ...]] = {"light": (), "dark": ("color-contrast", "link-in-text-block")}
"""The rules of axe in each theme: all in one, and in the other those that colours can break."""


def look(person: Person, name: str) -> list[str]:
    """Shoot the page in each size and theme; what axe complains of, and pages that scroll sideways."""
    complaints: list[str] = []
    for (size, metrics), theme in product(SIZES.items(), THEMES):
        person.dress(metrics, theme)
        person.settled()
        person.shoot(f"{name}-{size}-{theme}")
        complaints += [
            f"{name}, {size}, {theme}: {complaint}" for complaint in person.complaints_of_axe(*THEMES[theme])
        ]
        if person.is_wider_than_the_window():
            complaints.append(f"{name}, {size}, {theme}: the page scrolls sideways")
    person.dress(DESKTOP, "light")
    return complaints
