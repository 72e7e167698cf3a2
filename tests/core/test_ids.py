"""Identifiers rise with time."""

import itertools
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from core.ids import uuid7


def test_ids_are_standard_version_7_uuids():
    made = uuid7()
    assert type(made) is uuid.UUID
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_ids_rise_strictly_within_one_process():
    made = [uuid7() for _ in range(5000)]
    assert all(earlier < later for earlier, later in itertools.pairwise(made))


def test_an_id_carries_the_time_of_its_making():
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_threads_make_no_id_twice():
    with ThreadPoolExecutor(4) as pool:
        made = [
            one for batch in pool.map(lambda _: [uuid7() for _ in range(2000)], range(8)) for one in batch
        ]
    assert len(set(made)) == len(made)
