"""All settings, read from the environment once. See .env.example for every variable.

Nothing set: the embedded default (one process, SQLite, in-process broker and message bus, everything under
WHATSFLOW_HOME). DATABASE_URL and REDIS_URL set: PostgreSQL and Redis. Any variable NAME may be given as NAME_FILE with
the path of a file that holds the value (Docker secrets).
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONE, SELF

from core.files.s3_origins import origins as s3_origins
from core.security.keys import derive, load_or_create

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
if (BASE_DIR / ".env").exists() and "WHATSFLOW_NO_DOTENV" not in os.environ:
    env.read_env(BASE_DIR / ".env")

# -- installation ------------------------------------------------------------------------------------------------------

HOME = Path(env.str("WHATSFLOW_HOME", default=str(BASE_DIR / "var"))).resolve()
PRODUCTION = env.bool("WHATSFLOW_PRODUCTION", default=False)
DEBUG = env.bool("WHATSFLOW_DEBUG", default=False)
PORT = env.int("PORT", default=8000)
BIND = env.str("WHATSFLOW_BIND", default="127.0.0.1")
"""Address to listen on; 0.0.0.0 for all interfaces."""
PUBLIC_URL = env.str("WHATSFLOW_URL", default=f"http://localhost:{PORT}").rstrip("/")
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED = not REDIS_URL
"""Without Redis, broker, message bus and cache are in the one process."""
REDIS_PREFIX = "whatsflow" + urlsplit(REDIS_URL).path.replace("/", ".")
"""Prefix of channel names: Redis separates keys by database number, but not channels."""
FAILPOINTS = env.str("WHATSFLOW_FAILPOINTS", default="")

# -- keys --------------------------------------------------------------------------------------------------------------

_keys = load_or_create(HOME) if not PRODUCTION else {}
SECRET_KEY = env.str("WHATSFLOW_SECRET_KEY", default=_keys.get("secret_key", ""))
SECRET_KEY_MISSING = not SECRET_KEY
"""Error in checks.py. Until then a temporary key is used, because libraries read it on import."""
SECRET_KEY = SECRET_KEY or secrets.token_urlsafe(64)
ENCRYPTION_KEYS = env.list("WHATSFLOW_ENCRYPTION_KEY", default=[_keys["encryption_key"]] if _keys else [])

# -- hosts and proxies -------------------------------------------------------------------------------------------------

_public = urlsplit(PUBLIC_URL)
HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.list(
    "WHATSFLOW_HOSTS", default=[_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
if env.bool("WHATSFLOW_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    TRUSTED_PROXIES = env.int("WHATSFLOW_PROXY_COUNT", default=1)
else:
    TRUSTED_PROXIES = 0

# -- apps --------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_structlog",
    "storages",
    "whatsflow",
    "accounts",
    "jobs",
    "connections",
    "webhooks",
    "contacts",
    "messaging",
    "campaigns",
    "analytics",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "whatsflow.request_log.RequestLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.AccessMiddleware",
    "core.web.htmx.DomainErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "whatsflow.urls"
WSGI_APPLICATION = "whatsflow.wsgi.application"
ASGI_APPLICATION = "whatsflow.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ]
            if not DEBUG
            else [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "whatsflow.context_processors.shell",
            ],
            "builtins": ["core.web.templatetags.whatsflow"],
        },
    }
]

# -- database and cache ------------------------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=134217728; "
        "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=4000;"
    ),
}
if DATABASE_URL:
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(HOME / "whatsflow.sqlite3")}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
    WEB_THREADS = env.int("WHATSFLOW_WEB_THREADS", default=2)
else:
    DATABASES["default"] |= {
        "ENGINE": "core.db.postgresql",
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
    }
    if env.bool("DATABASE_PREPARED_STATEMENTS", default=True):
        DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "prepare_threshold": 5}
    WEB_THREADS = env.int("WHATSFLOW_WEB_THREADS", default=4)
_services = bool(REDIS_URL) and not DATABASES["default"]["ENGINE"].endswith("sqlite3")
WEB_WORKERS = env.int("WHATSFLOW_WEB_WORKERS", default=2 if _services else 1)
"""HTTP processes, each with WEB_THREADS (SQLite: one process; more threads would only wait for each other)."""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "core.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "whatsflow",
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "whatsflow",
            "OPTIONS": {
                "MAX_ENTRIES": 50_000
            },  # with Django's 300, many requests would evict the counters of rate limits
        }
    }

# -- tasks and sessions ------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "inproc://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "connections.tasks.run_session": {"queue": "sessions"},
    "jobs.tasks.work_off": {"queue": "jobs"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1 if REDIS_URL else 0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 3} if REDIS_URL else {}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "ensure-sessions": {"task": "connections.tasks.ensure_sessions", "schedule": 5.0},
    "log-out-idle-numbers": {"task": "connections.tasks.log_out_idle", "schedule": 3600.0},
    "sweep-outbox": {"task": "messaging.tasks.sweep_outbox", "schedule": 15.0},
    "sweep-jobs": {"task": "jobs.tasks.sweep", "schedule": 15.0},
    "prune-jobs": {"task": "jobs.tasks.prune", "schedule": 3600.0},
    "start-campaigns": {"task": "campaigns.tasks.start_due", "schedule": 5.0},
    "tend-campaigns": {"task": "campaigns.tasks.tend", "schedule": 5.0},
    "tag-the-silent": {"task": "contacts.tasks.tag_the_silent", "schedule": 900.0},
    "prune-imports": {"task": "contacts.tasks.prune_imports", "schedule": 3600.0},
    "prune": {"task": "messaging.tasks.prune", "schedule": 3600.0},
    "roll-up": {"task": "analytics.tasks.roll_up", "schedule": 300.0},
    "deliver-webhooks": {"task": "connections.tasks.deliver_webhooks", "schedule": 15.0},
    "prune-numbers": {"task": "connections.tasks.prune", "schedule": 3600.0},
    "prune-events": {"task": "connections.tasks.prune_events", "schedule": 3600.0},
    "send-reports": {"task": "analytics.tasks.send_reports", "schedule": 900.0},
    "clear-sessions": {"task": "accounts.tasks.clear_expired", "schedule": 6 * 3600.0},
}
for _entry in CELERY_BEAT_SCHEDULE.values():  # without a worker, tasks do not pile up
    _entry["options"] = {"expires": _entry["schedule"]}
MAX_SESSIONS = env.int("WHATSFLOW_MAX_SESSIONS", default=20)
"""Numbers that one worker of the queue `sessions` drives at most."""
WHATSAPP_WEB_HOME = Path(env.str("WHATSAPP_WEB_HOME", default=str(HOME / "sessions")))
"""Directory of the browser profiles, which contain the logins: readable by the owner only."""
WHATSAPP_WEB_BUNDLE = Path(
    env.str("WHATSAPP_WEB_BUNDLE", default=str(BASE_DIR / "static" / "vendor" / "wa-js" / "wppconnect-wa.js"))
)
"""The wa-js bundle, replaceable by another version without a release."""
WHATSAPP_WEB_CHROMIUM = env.str("WHATSAPP_WEB_CHROMIUM", default="")
WHATSAPP_WEB_CHROMEDRIVER = env.str("WHATSAPP_WEB_CHROMEDRIVER", default="")
WHATSAPP_WEB_BROWSER_ARGS = env.json("WHATSAPP_WEB_BROWSER_ARGS", default=[])
"""Further arguments for Chromium, as a JSON list."""
WHATSAPP_WEB_READY_SECONDS = env.float("WHATSAPP_WEB_READY_SECONDS", default=180.0)
WHATSAPP_WEB_RECYCLE_HOURS = env.float("WHATSAPP_WEB_RECYCLE_HOURS", default=24.0)
WHATSAPP_WEB_MEMORY_MB = env.int("WHATSAPP_WEB_MEMORY_MB", default=2048)
"""Age and memory from which a browser is restarted when it is idle."""
WHATSAPP_WEB_ARCHIVE_MB = env.int("WHATSAPP_WEB_ARCHIVE_MB", default=512)
"""Largest login that is copied to the media storage; the dashboard reports larger ones."""
WHATSAPP_WEB_HISTORY_CHATS = env.int("WHATSAPP_WEB_HISTORY_CHATS", default=200)
WHATSAPP_WEB_HISTORY_MESSAGES = env.int("WHATSAPP_WEB_HISTORY_MESSAGES", default=200)
"""Recent chats, and messages of each, that are compared with the stored ones after a gap."""
LOGOUT_AFTER_DAYS = env.float("WHATSFLOW_LOGOUT_AFTER_DAYS", default=30.0)
"""Days of disconnection after which a number is logged out and its login deleted; 0: never."""
LIMIT_HOURS = env.float("WHATSFLOW_LIMIT_HOURS", default=24.0)
"""Pause of new chats after WhatsApp refused one (limit 463), unless WhatsApp states the time."""
HOLD_AFTER_MINUTES = env.float("WHATSFLOW_HOLD_AFTER_MINUTES", default=60.0)
"""Inactivity after which data may be a restored backup: queued messages then need a confirmation; 0: never."""
SELENIUM_REMOTE_URL = env.str("SELENIUM_REMOTE_URL", default="")
SELENIUM_REMOTE_PROFILES = env.str("SELENIUM_REMOTE_PROFILES", default="")
"""Mount point of WHATSAPP_WEB_HOME on the remote browser's machine."""
LEASE_SECONDS = env.float("WHATSFLOW_LEASE_SECONDS", default=30.0)
LEASE_RENEW_SECONDS = LEASE_SECONDS / 3
UNKNOWN_AFTER_SECONDS = env.float("WHATSFLOW_UNKNOWN_AFTER_SECONDS", default=120.0)
"""Age after which a begun send without confirmation becomes `unknown`: it may have been sent."""

# -- accounts ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.SessionBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
REGISTRATION_OPEN = env.bool("WHATSFLOW_REGISTRATION_OPEN", default=True)
PASSWORD_RESET_TIMEOUT = 3600 * 2

AXES_HANDLER = "accounts.lockout.Handler"
AXES_FAILURE_LIMIT = 5
ADDRESS_FAILURE_LIMIT = 50
"""Wrong passwords from one address over all accounts; high enough for a whole office behind one address."""
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.lockout.username"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_address"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-whatsflow" if HTTPS else "whatsflow_session"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "whatsflow.error_pages.csrf_failure"

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
DEFAULT_FROM_EMAIL = env.str("WHATSFLOW_FROM_EMAIL", default="WhatsFlow <no-reply@localhost>")

# -- browser security --------------------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS and PRODUCTION
SECURE_HSTS_SECONDS = 31536000 if HTTPS and PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
X_FRAME_OPTIONS = "DENY"
S3_BUCKET = env.str("WHATSFLOW_S3_BUCKET", default="")
S3_ENDPOINT = env.str("WHATSFLOW_S3_ENDPOINT", default="")
S3_REGION = env.str("WHATSFLOW_S3_REGION", default="")
_media_origins = s3_origins(S3_BUCKET, S3_ENDPOINT, S3_REGION) if S3_BUCKET else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_media_origins],
        "media-src": [SELF, "blob:", *_media_origins],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# -- files -------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = (
    BASE_DIR / "staticfiles" if PRODUCTION else None
)  # collected for production, else served from STATICFILES_DIRS
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = HOME / "media"
MEDIA_URL = ""
if S3_BUCKET:
    _media_storage = {
        "BACKEND": "core.files.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT or None,
            "region_name": S3_REGION or None,
            "path_style": env.bool("WHATSFLOW_S3_PATH_STYLE", default=False),
            "access_key": env.str("WHATSFLOW_S3_ACCESS_KEY", default="") or None,
            "secret_key": env.str("WHATSFLOW_S3_SECRET_KEY", default="") or None,
            "default_acl": None,
            "file_overwrite": True,
            "querystring_auth": True,
            "querystring_expire": 300,
        },
    }
else:
    _media_storage = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
STORAGES = {
    "default": _media_storage,
    "staticfiles": {
        "BACKEND": "whatsflow.staticfiles.Hashed" if PRODUCTION else "whatsflow.staticfiles.Plain"
    },
}
MEDIA_MAX_BYTES = {
    "image": 16 * 1024 * 1024,
    "video": 64 * 1024 * 1024,
    "audio": 16 * 1024 * 1024,
    "document": 100 * 1024 * 1024,
}
DISK_RESERVE_BYTES = env.int("WHATSFLOW_DISK_RESERVE_MB", default=64) * 1024 * 1024
"""Free space of WHATSFLOW_HOME below which files are rejected and messages wait; 0: no limit."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
MAX_REQUEST_BYTES = max(MEDIA_MAX_BYTES.values()) + DATA_UPLOAD_MAX_MEMORY_SIZE
FILE_UPLOAD_TEMP_DIR = None
MESSAGE_MAX_LENGTH = 65_536

# -- API ---------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.framework.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_PAGINATION_CLASS": "core.api.framework.CursorPagination",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "core.api.errors.ExceptionHandler",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}
API_REQUESTS_PER_KEY = env.int("WHATSFLOW_API_REQUESTS_PER_KEY", default=600)
API_REQUESTS_PER_USER = env.int("WHATSFLOW_API_REQUESTS_PER_USER", default=600)
API_REQUESTS_PER_ADDRESS = env.int("WHATSFLOW_API_REQUESTS_PER_ADDRESS", default=60)
"""Requests a minute: of an API key, of a user, and of a client address without a valid credential."""
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": derive(SECRET_KEY, "api-tokens"),
    "AUDIENCE": "whatsflow-api",
    "ISSUER": "whatsflow",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "CHECK_REVOKE_TOKEN": True,
}
"""Rotation and revocation of tokens: accounts/services/tokens.py."""
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-api-key",
    "x-business-id",
]
CORS_EXPOSE_HEADERS = [
    "etag",
    "idempotency-replayed",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "x-request-id",
]
SPECTACULAR_SETTINGS = {
    "TITLE": "WhatsFlow API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Everything that a person does in the dashboard, for programs. The guide is docs/api.md. "
    "Texts hold no NUL characters.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": ["accounts.api.openapi.complete"],
    "DISABLE_ERRORS_AND_WARNINGS": False,
}

METRICS_TOKEN = env.str("WHATSFLOW_METRICS_TOKEN", default="")
"""Bearer token for /metrics; if empty, the page does not exist."""

# -- webhooks ----------------------------------------------------------------------------------------------------------

WEBHOOK_RETRY_SECONDS = [
    float(wait)
    for wait in env.list(
        "WHATSFLOW_WEBHOOK_RETRY_SECONDS",
        default=["0", "5", "300", "1800", "7200", "18000", "36000", "50400", "72000", "86400"],
    )
]
"""Delay before each attempt; after the last one the delivery fails."""
WEBHOOK_TIMEOUT_SECONDS = env.float("WHATSFLOW_WEBHOOK_TIMEOUT_SECONDS", default=15.0)
WEBHOOK_CLAIM_SECONDS = env.float("WHATSFLOW_WEBHOOK_CLAIM_SECONDS", default=60.0)
"""Time after which deliveries claimed by a silent dispatcher can be claimed again."""
WEBHOOK_RETENTION_DAYS = env.int("WHATSFLOW_WEBHOOK_RETENTION_DAYS", default=30)
OUTBOUND_HTTP_ALLOWED_HOSTS = env.list("WHATSFLOW_HTTP_ALLOWED_HOSTS", default=[])
"""host:port pairs exempt from the rules of outbound HTTP (public addresses, https); development only."""

# -- language and time -------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# -- logs: ids, never texts, numbers, QR codes or secrets --------------------------------------------------------------

LOG_LEVEL = env.str("WHATSFLOW_LOG_LEVEL", default="INFO")
_shared_processors: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer()
                if PRODUCTION
                else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            ],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "_granian": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {
            "level": "CRITICAL"
        },  # any client could fill the log with tracebacks
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared_processors,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
