"""
Settings, read from the environment once.

`.env.example` lists every variable. All are read first and sealed together, so that one start
reports every missing or odd value by the variable's name. Nothing else reads the environment.
"""

from pathlib import Path

from django.utils.translation import gettext_lazy as _
from environs import FileAwareEnv, validate

from isv_portal.embedded import ensure_secrets_file, sqlite_database
from isv_portal.log_config import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = FileAwareEnv(eager=False, strip_whitespace=True)
env.read_env(BASE_DIR / ".env", recurse=False)

# --- Read everything ---------------------------------------------------------------------------
DATA_DIR: Path = env.path("DATA_DIR", BASE_DIR / "var")
DATABASE_URL: str = env.str("DATABASE_URL", "")
REDIS_URL: str = env.str("REDIS_URL", "")
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", "")

# Embedded: no services, the default. Its two secrets are made on the first start.
EMBEDDED = not (DATABASE_URL or REDIS_URL or CELERY_BROKER_URL)
if EMBEDDED:
    env.read_env(ensure_secrets_file(DATA_DIR), recurse=False)

DEBUG: bool = env.bool("DEBUG", False)
SECRET_KEY: str = env.str("SECRET_KEY", validate=validate.Length(min=32))
FIELD_ENCRYPTION_KEYS: str = env.str("FIELD_ENCRYPTION_KEYS", validate=validate.Length(min=1))
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
PUBLIC_BASE_URL: str = env.str(
    "PUBLIC_BASE_URL", "http://127.0.0.1:8000", validate=validate.URL(require_tld=False)
)
PORTAL_ROLE: str = env.str("PORTAL_ROLE", "all", validate=validate.OneOf(["all", "web", "callback"]))
BEHIND_TLS_PROXY: bool = env.bool("BEHIND_TLS_PROXY", False)
LANGUAGE_CODE: str = env.str("LANGUAGE_CODE", "zh-hans", validate=validate.OneOf(["zh-hans", "en"]))
TIME_ZONE: str = env.str("TIME_ZONE", "Asia/Shanghai")
LOG_LEVEL: str = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
DATABASE: dict = env.dj_db_url("DATABASE_URL", "sqlite://:memory:", conn_max_age=None)

DINGTALK_OAPI_BASE_URL: str = env.str("DINGTALK_OAPI_BASE_URL", "https://oapi.dingtalk.com")
DINGTALK_API_BASE_URL: str = env.str("DINGTALK_API_BASE_URL", "https://api.dingtalk.com")
DINGTALK_CONNECT_TIMEOUT_SECONDS: float = env.float("DINGTALK_CONNECT_TIMEOUT_SECONDS", 3.0)
DINGTALK_READ_TIMEOUT_SECONDS: float = env.float("DINGTALK_READ_TIMEOUT_SECONDS", 8.0)
TOKEN_WAIT_SECONDS: float = env.float("TOKEN_WAIT_SECONDS", 5.0)
TOKEN_MAX_WAITERS: int = env.int("TOKEN_MAX_WAITERS", 4)
PUSH_BODY_RETENTION_DAYS: int = env.int("PUSH_BODY_RETENTION_DAYS", 7)
PUSH_DIGEST_RETENTION_DAYS: int = env.int("PUSH_DIGEST_RETENTION_DAYS", 30)

env.seal()

# --- Applications ------------------------------------------------------------------------------
ROOT_URLCONF = "isv_portal.urls_callback" if PORTAL_ROLE == "callback" else "isv_portal.urls"
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
CALLBACK_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
MIDDLEWARE = (
    CALLBACK_MIDDLEWARE
    if PORTAL_ROLE == "callback"
    else [
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django_structlog.middlewares.RequestMiddleware",
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

# --- Database, cache, broker -------------------------------------------------------------------
DATABASES = {"default": DATABASE if DATABASE_URL else sqlite_database(DATA_DIR)}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Languages and static files ----------------------------------------------------------------
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "isv_portal" / "locale"]
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG

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
    SECURE_HSTS_SECONDS = 31_536_000

# --- Logging -----------------------------------------------------------------------------------
LOGGING = logging_config(level=LOG_LEVEL)
