"""Who writes to the demo shop: names and numbers, the same for the same place in the list."""

from __future__ import annotations

import random
from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Aisha Alejandro Amara Ana Anders Anika Arjun Astrid Beatriz Ben Camila Carlos Chiara Chloé Daniel David Dmitri "
    "Elena Elif Emma Erik Fatou Felipe Fiona Francesca Gabriel Giulia Grace Hannah Haruto Hugo Ibrahim Ines Ingrid "
    "Isabel Ivan Jack Jamal João Julia Kaito Karin Katarzyna Kofi Laila Lars Leila Léa Liam Lina Lucas Lucía Maja "
    "Manuel Marta Mateo Mei Miguel Mina Mohammed Nadia Nina Noah Noor Olivia Omar Oscar Paula Pedro Priya Rafael Ravi "
    "Rosa Samuel Sara Sofia Tariq Teresa Theo Tomás Ulrike Valentina Viktor Wei Yara Yusuf Zara Zoë"
)
LAST = _words(
    "Abebe Almeida Andersson Bauer Bianchi Boateng Carvalho Castro Chen Costa Cruz Dubois Eriksen Fernandes Ferrari "
    "Fischer Fontaine García Gomes Haddad Hansen Hoffmann Hughes Ivanova Jansen Johnson Kaya Keller Khan Kim Kowalski "
    "Kumar Larsen Lefèvre Lima López Marino Martins Meyer Moreau Mensah Müller Murphy Nakamura Nguyen Novak O'Brien "
    "Okafor Oliveira Pereira Petrov Ramos Ricci Rossi Santos Sato Schmidt Silva Singh Smith Sørensen Suzuki Tanaka "
    "Torres Usman Vega Walsh Weber Williams Wójcik Yılmaz Zhang"
)
_STEP = 7_654_321  # has no factor in common with the 10**8 places: no number comes twice


@dataclass(frozen=True, slots=True)
class Person:
    """name: what the shop calls them. push_name: what they call themselves. number: E.164. lid: bare digits."""

    name: str
    push_name: str
    number: str | None
    lid: str | None


def person(index: int) -> Person:
    """The person at this place. Most have a name from the shop; one in fifty shows no number."""
    chance = random.Random(index * 2 + 1)  # noqa: S311 (scenery, not secrets)
    full = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    short = full.split(" ", maxsplit=1)[0]
    known = chance.random()
    name = full if known < 0.7 else ""
    push_name = (full if chance.random() < 0.5 else short) if known < 0.92 else ""
    place = (index * _STEP + 12_345_678) % 10**8
    if index % 50 == 49:
        return Person(name, push_name or short, None, f"88{place:012d}")
    return Person(name, push_name, f"+9993{place:08d}{1 + index % 9}", None)
