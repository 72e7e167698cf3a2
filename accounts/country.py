"""The country that a new business is likely in, from what its browser says. People confirm it in the form."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from phonenumbers import SUPPORTED_REGIONS

_LANGUAGE_OF_A_REGION = re.compile(
    r"(?:^|,)\s*[a-z]{2,3}(?:-[a-z]{4})?-([a-z]{2})(?=\s*[;,]|\s*$)", re.IGNORECASE
)
"""pt-BR, zh-Hant-TW in the header Accept-Language. Browsers name languages in the order of preference."""


def propose(time_zone: str, accept_language: str) -> str:
    """ISO 3166 code of the country of a time zone, else of the first language that names one; "" for neither."""
    if found := countries_by_zone().get(time_zone):
        return found
    regions = (found.upper() for found in _LANGUAGE_OF_A_REGION.findall(accept_language))
    return next((found for found in regions if found in SUPPORTED_REGIONS), "")


@cache
def countries_by_zone() -> dict[str, str]:
    """Time zones with the country in which they lie (IANA's zone.tab), under their earlier names too."""
    source = files("tzdata.zoneinfo")
    rows = source.joinpath("zone.tab").read_text("utf-8").splitlines()
    found = {
        fields[2]: fields[0]
        for fields in (row.split("\t") for row in rows if not row.startswith("#"))
        if fields[0] in SUPPORTED_REGIONS
    }
    for row in source.joinpath("tzdata.zi").read_text("utf-8").splitlines():
        if row.startswith("L "):
            _, zone, earlier_name = row.split()
            if zone in found:
                found.setdefault(earlier_name, found[zone])
    return found
