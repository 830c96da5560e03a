"""The words that say what a caller does about an answer of DingTalk."""

from enum import StrEnum


class Action(StrEnum):
    """What to do about an error code: the words of the `action` column of `errors.tsv`, and `unknown`."""

    OK = "ok"  # success
    OK_STATE = "ok_state"  # the wanted state exists already
    RETRY = "retry"  # transient: back off with jitter, few attempts, only calls that may be repeated
    RATE_LIMIT = "rate_limit"  # slow down in the dimension that was named, then repeat
    QUOTA = "quota"  # a longer-lived allowance is used up: stop and report
    DROPPED = "dropped"  # accepted but not delivered
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - drop the cached token, fetch it once, repeat once
    REFRESH_SUITE_TOKEN = "refresh_suite_token"  # noqa: S105 - the same for the suite's own token
    REFRESH_JSAPI_TICKET = "refresh_jsapi_ticket"  # the same for the JSAPI ticket
    REFRESH_TICKET = "refresh_ticket"  # use the newest suite ticket; if unchanged, wait for a new push
    REAUTH = "reauth"  # the company has to authorise again
    REAUTH_USER = "reauth_user"  # the user has to sign in again
    PERMISSION = "permission"  # a permission point or a range is missing: not retryable
    CONFIG = "config"  # our configuration is wrong: alarm, not retryable
    PARAM = "param"  # a wrong request, so a bug: not retryable
    NOT_FOUND = "not_found"  # the object does not exist: treat as data
    USER_ACTION = "user_action"  # a person at the company has to do something
    TENANT_INACTIVE = "tenant_inactive"  # app stopped or organisation disabled
    TENANT_GONE = "tenant_gone"  # organisation dissolved
    INSPECT = "inspect"  # look at the nested code
    PLATFORM = "platform"  # report to the platform
    UNKNOWN = "unknown"  # not in the table: try a few times, then stop, and count it by code
