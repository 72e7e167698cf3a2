"""The project's settings with what tests change: cheap password hashes, mail in memory, plain static files.

Each run has a directory of its own under the temporary directory, each parallel worker one below it, and the
test database a name of its own, so that runs on one machine do not meet. SQLite is tested as a file, as it is
used.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("WHATSFLOW_TEST_RUN", tempfile.mkdtemp(prefix="whatsflow-tests-"))
os.environ["WHATSFLOW_NO_DOTENV"] = "1"
TEST_RUN = Path(os.environ["WHATSFLOW_TEST_RUN"])
TEST_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["WHATSFLOW_HOME"] = str(TEST_RUN / TEST_WORKER)

from whatsflow.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {"BACKEND": "whatsflow.staticfiles.Plain"}  # noqa: F405
LEASE_SECONDS = (
    600.0  # a busy machine takes half a minute for some tests; what is about the end of a lease sets its time
)
CACHES["default"]["KEY_PREFIX"] = f"{TEST_RUN.name}.{TEST_WORKER}"  # noqa: F405
DATABASES["default"]["TEST"] = {  # noqa: F405
    "NAME": str(TEST_RUN / "test.sqlite3")
    if DATABASES["default"]["ENGINE"].endswith("sqlite3")  # noqa: F405
    else "test_" + TEST_RUN.name.replace("-", "_").lower()
}
