"""Generator of the demo's contacts: names and numbers, deterministic by index."""

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
_STEP = 7_654_321  # coprime to 10**8, so that no number occurs twice


@dataclass(frozen=True, slots=True)
class Person:
    """Contact. name: set by the shop. push_name: of the WhatsApp profile. number: E.164. lid: digits only."""

    name: str
    push_name: str
    number: str | None
    lid: str | None


def person(index: int) -> Person:
    """Generate the contact of this index. 70 % have a name from the shop; one in fifty hides the number."""
    chance = random.Random(index * 2 + 1)  # noqa: S311 (scenery, not secrets)
    full = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    short = full.split(" ", maxsplit=1)[0]
    named = chance.random()
    name = full if named < 0.7 else ""
    push_name = (full if chance.random() < 0.5 else short) if named < 0.92 else ""
    suffix = (index * _STEP + 12_345_678) % 10**8
    if index % 50 == 49:
        return Person(name, push_name or short, None, f"88{suffix:012d}")
    return Person(name, push_name, f"+9993{suffix:08d}{1 + index % 9}", None)
