"""The project's settings with what tests change: cheap password hashes, mail in memory, plain static files."""

import os
import tempfile

os.environ.setdefault("WHATSFLOW_HOME", tempfile.mkdtemp(prefix="whatsflow-tests-"))
os.environ["WHATSFLOW_NO_DOTENV"] = "1"

from whatsflow.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
