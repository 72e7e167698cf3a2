"""Keys made on the first start."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

from core.security.keys import load_or_create


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path):
    keys = load_or_create(tmp_path)
    assert load_or_create(tmp_path) == keys
    assert len(base64.urlsafe_b64decode(keys["encryption_key"])) == 32
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {"secret_key", "encryption_key"}


def test_starts_at_the_same_time_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_or_create(tmp_path), range(16)))
    assert all(keys == found[0] for keys in found)


def test_a_home_that_is_made_here_is_closed_to_others(tmp_path):
    load_or_create(tmp_path / "new" / "home")
    assert stat.S_IMODE((tmp_path / "new" / "home").stat().st_mode) == 0o700
