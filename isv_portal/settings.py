"""
Settings, read from the environment once.

`.env.example` lists every variable. All are read first and sealed together, so that one start
reports every missing or odd value by the variable's name. Nothing else reads the environment.
"""

import logging
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from environs import validate

from dingtalk.rds.address import Tls
from isv_portal.beat_schedule import beat_schedule
from isv_portal.broker import broker_transport_options, broker_url
from isv_portal.databases import LOCAL_CACHE, configured_database, shared_cache, sqlite_database
from isv_portal.embedded import ensure_secrets_file
from isv_portal.environment import (
    existing_file,
    known_time_zone,
    read_environment,
    readable_push_database,
    usable_keys,
)
from isv_portal.log_config import logging_config
from isv_portal.unfold_settings import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
env = read_environment(BASE_DIR)
_positive = validate.Range(min=0, min_inclusive=False)
_at_least_one = validate.Range(min=1)
_not_negative = validate.Range(min=0)

# --- Read everything ---------------------------------------------------------------------------
DATA_DIR: Path = env.path("DATA_DIR", BASE_DIR / "var")
DATABASE_URL: str = env.str("DATABASE_URL", "")
REDIS_URL: str = env.str("REDIS_URL", "")
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", "")

# Embedded: no services, the default. Its two secrets are made on the first start.
EMBEDDED = not (DATABASE_URL or REDIS_URL or CELERY_BROKER_URL)
if EMBEDDED:
    env.read_env(ensure_secrets_file(BASE_DIR / DATA_DIR), recurse=False)

DEBUG: bool = env.bool("DEBUG", False)
SECRET_KEY: str = env.str("SECRET_KEY", validate=validate.Length(min=50))
FIELD_ENCRYPTION_KEYS: str = env.str("FIELD_ENCRYPTION_KEYS", validate=usable_keys)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
PUBLIC_BASE_URL: str = env.str(
    "PUBLIC_BASE_URL", "http://127.0.0.1:8000", validate=validate.URL(require_tld=False)
)
PORTAL_ROLE: str = env.str("PORTAL_ROLE", "all", validate=validate.OneOf(["all", "web", "callback"]))
BEHIND_TLS_PROXY: bool = env.bool("BEHIND_TLS_PROXY", False)
LANGUAGE_CODE: str = env.str("LANGUAGE_CODE", "zh-hans", validate=validate.OneOf(["zh-hans", "en"]))
TIME_ZONE: str = env.str("TIME_ZONE", "Asia/Shanghai", validate=known_time_zone)
LOG_LEVEL: str = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
DATABASE: dict[str, Any] = env.dj_db_url("DATABASE_URL", "sqlite://:memory:", conn_max_age=None)

DINGTALK_OAPI_BASE_URL: str = env.str(
    "DINGTALK_OAPI_BASE_URL", "https://oapi.dingtalk.com", validate=validate.URL(require_tld=False)
)
DINGTALK_API_BASE_URL: str = env.str(
    "DINGTALK_API_BASE_URL", "https://api.dingtalk.com", validate=validate.URL(require_tld=False)
)
DINGTALK_LOGIN_BASE_URL: str = env.str(
    "DINGTALK_LOGIN_BASE_URL", "https://login.dingtalk.com", validate=validate.URL(require_tld=False)
)
DINGTALK_CONNECT_TIMEOUT_SECONDS: float = env.float(
    "DINGTALK_CONNECT_TIMEOUT_SECONDS", 3.0, validate=_positive
)
DINGTALK_READ_TIMEOUT_SECONDS: float = env.float("DINGTALK_READ_TIMEOUT_SECONDS", 8.0, validate=_positive)
DINGTALK_CALLS_PER_SECOND: int = env.int("DINGTALK_CALLS_PER_SECOND", 300, validate=_not_negative)
DINGTALK_CALLS_PER_20_SECONDS: int = env.int("DINGTALK_CALLS_PER_20_SECONDS", 9000, validate=_not_negative)
DINGTALK_CALLS_PER_SECOND_PER_API: int = env.int(
    "DINGTALK_CALLS_PER_SECOND_PER_API", 15, validate=_not_negative
)
DINGTALK_CALLING_PROCESSES: int = env.int("DINGTALK_CALLING_PROCESSES", 4, validate=_at_least_one)
DINGTALK_BREAKER_FAILURES: int = env.int("DINGTALK_BREAKER_FAILURES", 8, validate=_not_negative)
DINGTALK_BREAKER_SECONDS: float = env.float("DINGTALK_BREAKER_SECONDS", 15.0, validate=_positive)
TOKEN_WAIT_SECONDS: float = env.float("TOKEN_WAIT_SECONDS", 5.0, validate=_positive)
TOKEN_MAX_WAITERS: int = env.int("TOKEN_MAX_WAITERS", 8, validate=_at_least_one)
API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", 6000, validate=validate.Range(min=0))
NOTIFICATIONS_PER_PERSON_AND_DAY: int = env.int(
    "NOTIFICATIONS_PER_PERSON_AND_DAY", 100, validate=_at_least_one
)
NOTIFICATION_RECEIVERS_PER_MINUTE: int = env.int(
    "NOTIFICATION_RECEIVERS_PER_MINUTE", 5000, validate=_at_least_one
)
PUSH_BODY_RETENTION_DAYS: int = env.int("PUSH_BODY_RETENTION_DAYS", 7, validate=_at_least_one)
PUSH_DIGEST_RETENTION_DAYS: int = env.int("PUSH_DIGEST_RETENTION_DAYS", 30, validate=_at_least_one)

RDS_DATABASE_URL: str = env.str("RDS_DATABASE_URL", "", validate=readable_push_database)
RDS_TLS: str = env.str("RDS_TLS", "preferred", validate=validate.OneOf([tls.value for tls in Tls]))
RDS_CA_FILE: str = env.str("RDS_CA_FILE", "", validate=existing_file)
RDS_TIME_ZONE: str = env.str("RDS_TIME_ZONE", "Asia/Shanghai", validate=known_time_zone)

WEB_PROCESSES: int = env.int("WEB_PROCESSES", 2, validate=_at_least_one)
WEB_THREADS: int = env.int("WEB_THREADS", 16, validate=_at_least_one)
WORKER_THREADS: int = env.int("WORKER_THREADS", 8, validate=_at_least_one)

env.seal()

# A relative folder is one below the checkout, wherever a command is run from.
DATA_DIR = BASE_DIR / DATA_DIR
ALLOWED_HOSTS = [host.strip() for host in ALLOWED_HOSTS if host.strip()]
# Health checks come from the machine itself.
ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in CSRF_TRUSTED_ORIGINS if origin.strip()]
PUBLIC_BASE_URL = PUBLIC_BASE_URL.rstrip("/")

# --- Applications ------------------------------------------------------------------------------
ROOT_URLCONF = "isv_portal.urls_callback" if PORTAL_ROLE == "callback" else "isv_portal.urls_web"
WSGI_APPLICATION = "isv_portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_structlog",
    "dingtalk.foundation",
    "dingtalk",
    "tenants",
    "isv_portal",
]

# A callback needs no session, no user and no form protection: what is not there cannot be slow.
MIDDLEWARE = (
    [
        "django.middleware.security.SecurityMiddleware",
        "isv_portal.middleware.client_address",
        "isv_portal.middleware.RequestLog",
    ]
    if PORTAL_ROLE == "callback"
    else [
        "django.middleware.security.SecurityMiddleware",
        "isv_portal.middleware.client_address",
        # Before the log: an icon is not worth a line.
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "isv_portal.middleware.RequestLog",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
)

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "isv_portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database, cache ---------------------------------------------------------------------------
DATABASES = {
    "default": configured_database(DATABASE, is_for_callbacks=PORTAL_ROLE == "callback")
    if DATABASE_URL
    else sqlite_database(DATA_DIR)
}
CACHES = {"default": shared_cache(REDIS_URL) if REDIS_URL else {"BACKEND": LOCAL_CACHE}}

# --- Celery ------------------------------------------------------------------------------------
CELERY_BROKER_TRANSPORT_OPTIONS = broker_transport_options(CELERY_BROKER_URL, data_dir=DATA_DIR)
CELERY_BROKER_URL = broker_url(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_TIMEOUT = 1.0
# A worker that starts before its broker, or outlives it, keeps trying.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = beat_schedule()
CELERY_BEAT_SCHEDULER = "isv_portal.celery_watch:WatchedScheduler"
# How seldom it may tick: each tick is a sign of life.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
# These count in a prefork pool; in the usual pool of threads each call's own timeouts end a task.
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Acknowledged early, so nothing would run a second time.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Remote control leaves reply queues behind, which nobody empties on the filesystem broker.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False

# --- REST API ----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.api.throttling.KeyThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
    # `?format=` is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "tenants.api.errors.ApiExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "tenants.api.errors.ApiExceptionFormatter",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ISV Portal API",
    "DESCRIPTION": "What an app of yours needs of DingTalk, one call each: companies, tokens, logins, "
    "contacts, messages, signed pages, events.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # The labels are translated, the values are what counts.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tenants.api.schema.add_media_type_refusal",
    ],
    "ENUM_NAME_OVERRIDES": {"TenantState": "tenants.models.TenantState"},
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "validatorUrl": None},
}

# --- Languages and static files ----------------------------------------------------------------
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "isv_portal" / "locale"]
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
# Served from the packages as they are: nothing to collect, nothing to forget on the next release.
WHITENOISE_USE_FINDERS = True

# --- Browser security --------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_BASE_URL.startswith("https://")
X_FRAME_OPTIONS = "DENY"
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
# Whether the subdomains have TLS too is not ours to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- Logging -----------------------------------------------------------------------------------
LOGGING_CONFIG = "isv_portal.log_config.configure_logging"
LOGGING = logging_config(level=LOG_LEVEL)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
