"""Whatever happens in a login: no code, state or token in a log line, an audit entry or an answer."""

import logging
from typing import Any

import pytest

from dingtalk.foundation.models import AuditEntry
from tenants.models import AccessToken, UserToken
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.login.conftest import IN_APP_URL, OTHER_CORP_ID, SSO_URL


class ExactLog(logging.Handler):
    """Keeps each record as it was made: the handlers of the portal mask what they write, and the record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + repr(record.__dict__)


@pytest.fixture
def exact_log(caplog: Any):
    handler = ExactLog()
    loggers = [logging.getLogger(name) for name in ("dingtalk", "tenants", "django_structlog", "urllib3")]
    caplog.set_level(logging.DEBUG)
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


def test_no_code_state_or_token_is_written_or_answered(upstream, tenant, app, exact_log):
    def code(kind: str, userid: str = "zhangsan", corp_id: str = CORP_ID) -> str:
        made = upstream.remote.login_code(SUITE_KEY, corp_id, userid, kind=kind)
        secrets.append(made)
        return made

    def state() -> str:
        begun = app.begin()["state"]
        secrets.append(begun)
        return begun

    secrets: list[str] = []
    answers = []
    for again in (code("in_app"), code("sso")):
        answers += [app.post(url, {"code": again}) for url in (IN_APP_URL, SSO_URL) for _ in range(2)]
    answers += [app.exchange(code("web"), state()), app.exchange(code("web"), secrets[-1])]
    answers.append(app.exchange(code("web", "wangwu", OTHER_CORP_ID), state()))
    row = UserToken.objects.get()
    secrets += [row.access_token, row.refresh_token or ""]
    upstream.fault("/v1.0/contact/users/me", "errcode", code="InvalidAuthentication")
    answers.append(app.refresh(str(row.pk)))
    row = UserToken.objects.get()
    secrets += [row.access_token, row.refresh_token or ""]
    secrets += [token.token for token in AccessToken.objects.all() if token.token]

    written = exact_log.text + str(list(AuditEntry.objects.values()))
    answered = "".join(answer.content.decode() + str(answer.headers) for answer in answers)
    assert {answer.status_code for answer in answers} == {200, 400, 403}
    assert "A login was refused" in written and "A person logged in" in written
    assert len(secrets) > 10 and all(len(secret) > 8 for secret in secrets)
    assert [secret for secret in secrets if secret in written or secret in answered] == []


def test_what_an_app_calls_a_code_or_state_is_not_masked_where_it_is_something_else(upstream, tenant, app):
    for word in (CORP_ID, SUITE_KEY, "zhangsan"):
        for answer in (
            *(app.post(url, {"code": word}) for url in (IN_APP_URL, SSO_URL)),
            app.exchange(word, word),
            app.exchange(word, app.begin()["state"]),
        ):
            assert answer.status_code == 400

    code = upstream.remote.login_code(SUITE_KEY, CORP_ID, "zhangsan", kind="in_app")
    assert app.post(IN_APP_URL, {"code": code}).status_code == 200

    details = AuditEntry.objects.get(action="login.accept").details
    assert (details["corp_id"], details["suite_key"], details["user_id"]) == (CORP_ID, SUITE_KEY, "zhangsan")
