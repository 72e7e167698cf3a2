"""The first business begins with the country in which the browser is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.look import look
from tests.journeys.person import Person


@pytest.mark.parametrize(
    ("zone", "language", "country"), [("Asia/Calcutta", "en-US", "IN"), ("Etc/UTC", "pt-BR", "BR")]
)
def test_the_country_is_proposed_and_can_be_changed(
    new_person: Callable[[], Person], zone: str, language: str, country: str
) -> None:
    ana = new_person()
    ana.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
    ana.driver.execute_cdp_cmd("Network.enable", {})
    ana.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
    ana.registers(f"founder-{country.lower()}@example.com", "Ana Founder")
    chosen = "return document.getElementById('id_default_country').value"
    ana.wait(lambda: ana.run(chosen) == country, "the proposed country")
    complaints = look(ana, f"business-{country}")
    ana.choose("#id_time_zone", "Europe/Lisbon")
    assert ana.run(chosen) == "PT"
    ana.choose("#id_default_country", "FR")
    ana.choose("#id_time_zone", "Europe/Rome")
    assert ana.run(chosen) == "FR"
    ana.founds("Far Away")
    assert not complaints, "\n".join(complaints)
