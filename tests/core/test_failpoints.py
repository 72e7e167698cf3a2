"""Places where a real process is stopped, and what they cost when nobody asked."""

import os
import subprocess
import sys
import time

from core import failpoints


def test_nothing_happens_when_nobody_asked():
    failpoints.reach("outbox.begun")


def test_a_process_waits_at_the_place_until_it_is_let_go(tmp_path):
    marker = tmp_path / "marker"
    code = "from core.failpoints import reach; reach('elsewhere'); reach('here'); print('through')"
    environment = {**os.environ, "WHATSFLOW_FAILPOINTS": f"here:{marker}"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    end = time.monotonic() + 20
    while not marker.exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    assert process.poll() is None
    marker.unlink()
    assert process.communicate(timeout=20)[0] == b"through\n"
