"""Guess the country of a new business from the browser's time zone and languages."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from phonenumbers import SUPPORTED_REGIONS

_LANGUAGE_WITH_REGION = re.compile(
    r"(?:^|,)\s*[a-z]{2,3}(?:-[a-z]{4})?-([a-z]{2})(?=\s*[;,]|\s*$)", re.IGNORECASE
)
"""Matches pt-BR, zh-Hant-TW in the header Accept-Language, which lists languages by preference."""


def propose(time_zone: str, accept_language: str) -> str:
    """Return the ISO 3166 code of the time zone's country, else of the first language with one, else ""."""
    if country := countries_by_zone().get(time_zone):
        return country
    regions = (region.upper() for region in _LANGUAGE_WITH_REGION.findall(accept_language))
    return next((region for region in regions if region in SUPPORTED_REGIONS), "")


@cache
def countries_by_zone() -> dict[str, str]:
    """Map time zone names, including earlier ones, to ISO 3166 country codes (IANA's zone.tab)."""
    source = files("tzdata.zoneinfo")
    rows = source.joinpath("zone.tab").read_text("utf-8").splitlines()
    countries = {
        fields[2]: fields[0]
        for fields in (row.split("\t") for row in rows if not row.startswith("#"))
        if fields[0] in SUPPORTED_REGIONS
    }
    for row in source.joinpath("tzdata.zi").read_text("utf-8").splitlines():
        if row.startswith("L "):
            _, zone, earlier_name = row.split()
            if zone in countries:
                countries.setdefault(earlier_name, countries[zone])
    return countries
