"""Tokens by whichever call gives one: several ways, two tickets, and the secret that is being changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.models import CorpTokenMethod, Generation, Suite, SuiteKind
from dingtalk.protocol.errors import ApiError, RateLimited, TicketRejected, TransportError
from tenants import refused_tickets
from tenants.errors import TicketMissing, TicketsRefused
from tenants.models import AccessToken, TokenKind
from tenants.suite_secrets import with_secret
from tenants.upstream import request_corp_token, suite_access_token
from tests.support.onboarding import CORP_TOKEN, SIGNED_CORP_TOKEN, SUITE_TOKEN, UNIFIED_TOKEN
from tests.support.upstream import CORP_ID, suite, upstream

__all__ = ["suite", "upstream"]
pytestmark = pytest.mark.django_db

V1_SUITE_TOKEN = "/v1.0/oauth2/suiteAccessToken"
ENDPOINT = {
    CorpTokenMethod.V1: CORP_TOKEN,
    CorpTokenMethod.SIGNED: SIGNED_CORP_TOKEN,
    CorpTokenMethod.UNIFIED: UNIFIED_TOKEN,
}


@pytest.fixture
def granted(upstream):
    return upstream.authorize()


def asked(upstream) -> list[str]:
    """The calls for tokens that arrived, in their order."""
    paths = {*ENDPOINT.values(), SUITE_TOKEN, V1_SUITE_TOKEN}
    return [call["endpoint"] for call in upstream.remote.calls()["calls"] if call["endpoint"] in paths]


class TestCorpTokens:
    """Three calls for a company's token."""

    @pytest.mark.parametrize("method", CorpTokenMethod)
    def test_the_suites_choice_is_the_only_call_when_it_works(self, upstream, suite, granted, method):
        suite.corp_token_method = method

        obtained = request_corp_token(suite, CORP_ID)

        assert (obtained.method, obtained.fallback_reason) == (method, "")
        assert asked(upstream) == [ENDPOINT[method]]

    def test_without_any_ticket_a_company_still_gets_a_token(self, upstream, granted):
        suite = upstream.register_suite()

        obtained = request_corp_token(suite, CORP_ID)

        assert obtained.method == CorpTokenMethod.UNIFIED
        assert "no suite ticket" in obtained.fallback_reason
        assert asked(upstream) == [UNIFIED_TOKEN]

    def test_a_ticket_that_no_call_takes_leads_to_the_call_that_needs_none(self, upstream, granted):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")

        obtained = request_corp_token(suite, CORP_ID)

        assert "invalidSuiteTicket" in obtained.fallback_reason
        assert asked(upstream) == [CORP_TOKEN, SIGNED_CORP_TOKEN, UNIFIED_TOKEN]

    def test_a_call_is_not_shown_a_ticket_again_that_it_refused_a_moment_ago(self, upstream, granted):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")

        methods = [request_corp_token(suite, CORP_ID).method for _ in range(3)]

        assert methods == [CorpTokenMethod.UNIFIED] * 3
        assert asked(upstream) == [CORP_TOKEN, SIGNED_CORP_TOKEN, *[UNIFIED_TOKEN] * 3]

    def test_a_new_ticket_is_shown_at_once(self, upstream, granted):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")
        request_corp_token(suite, CORP_ID)

        upstream.deliver_ticket(suite)

        assert request_corp_token(suite, CORP_ID).method == CorpTokenMethod.V1

    def test_a_refused_ticket_is_shown_again_after_a_while(self, upstream, granted, monkeypatch):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")
        monkeypatch.setattr(refused_tickets, "REFUSED_SECONDS", 0.0)

        for _ in range(2):
            request_corp_token(suite, CORP_ID)

        assert asked(upstream) == [CORP_TOKEN, SIGNED_CORP_TOKEN, UNIFIED_TOKEN] * 2

    @pytest.mark.parametrize(
        ("method", "code"),
        [
            (CorpTokenMethod.V1, "InvalidAction.NotFound"),
            (CorpTokenMethod.SIGNED, 404),
            (CorpTokenMethod.UNIFIED, "InvalidAction.NotFound"),
        ],
    )
    def test_a_call_that_does_not_exist_is_passed_over(self, upstream, suite, granted, method, code):
        suite.corp_token_method = method
        upstream.fault(ENDPOINT[method], "errcode", code=code)

        obtained = request_corp_token(suite, CORP_ID)

        assert obtained.method != method
        assert str(code) in obtained.fallback_reason
        assert len(asked(upstream)) == 2

    @pytest.mark.parametrize("kind", ["http_500", "html", "reset", "drop_answer"])
    def test_no_answer_does_not_multiply_the_calls(self, upstream, suite, granted, kind):
        upstream.fault(CORP_TOKEN, kind)

        with pytest.raises(TransportError):
            request_corp_token(suite, CORP_ID)

        assert len(asked(upstream)) <= 1

    @pytest.mark.parametrize("code", ["systemBusy", "someNewCode", "invalidAuthInfo", "invalidSuiteKey"])
    def test_a_refusal_that_every_call_would_meet_or_nobody_knows_does_not_either(
        self, upstream, suite, granted, code
    ):
        upstream.fault(CORP_TOKEN, "errcode", code=code)

        with pytest.raises(ApiError) as refusal:
            request_corp_token(suite, CORP_ID)

        assert refusal.value.code == code
        assert asked(upstream) == [CORP_TOKEN]

    def test_a_refused_ticket_stays_the_reason_when_the_last_call_does_not_work_either(
        self, upstream, granted
    ):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")
        upstream.fault(UNIFIED_TOKEN, "errcode", code="unauthorized.client")

        with pytest.raises(TicketRejected):
            request_corp_token(suite, CORP_ID)

    def test_a_limit_met_on_the_way_is_what_counts(self, upstream, granted):
        suite = upstream.register_suite()
        upstream.fault(UNIFIED_TOKEN, "rate_limit")

        with pytest.raises(RateLimited):
            request_corp_token(suite, CORP_ID)

    def test_without_ticket_or_grant_the_missing_ticket_is_the_reason(self, upstream):
        with pytest.raises(TicketMissing):
            request_corp_token(upstream.register_suite(), CORP_ID)


class TestSuiteTokens:
    """Two calls for the suite's own token."""

    @pytest.mark.parametrize(
        ("method", "endpoint"), [(Generation.OLD, SUITE_TOKEN), (Generation.V1, V1_SUITE_TOKEN)]
    )
    def test_it_comes_by_the_suites_choice(self, upstream, suite, method, endpoint):
        suite.suite_token_method = method

        assert suite_access_token(suite)

        assert asked(upstream) == [endpoint]
        assert AccessToken.objects.get(kind=TokenKind.SUITE).method == f"suite_{method}"

    def test_it_comes_by_the_other_call_where_the_first_does_not_exist(self, upstream, suite):
        upstream.fault(SUITE_TOKEN, "errcode", code=404)

        assert suite_access_token(suite)

        row = AccessToken.objects.get(kind=TokenKind.SUITE)
        assert row.method == "suite_v1"
        assert "404" in row.fallback_reason

    def test_it_opens_nothing_of_both_without_a_ticket(self, upstream):
        with pytest.raises(TicketMissing):
            suite_access_token(upstream.register_suite())

        assert asked(upstream) == []

    def test_while_every_ticket_is_refused_nobody_else_asks(self, upstream):
        suite = upstream.register_suite()
        upstream.deliver_ticket(suite, "outdated")
        with pytest.raises(TicketRejected):
            suite_access_token(suite)
        AccessToken.objects.update(retry_at=None)

        with pytest.raises(TicketsRefused):
            suite_access_token(suite)

        assert asked(upstream) == [SUITE_TOKEN, V1_SUITE_TOKEN]


class TestSecretsInRotation:
    """DingTalk may know the new secret later than we do."""

    @pytest.fixture
    def rotated(self, upstream, granted) -> Suite:
        """The secret was changed here, and not yet at DingTalk."""
        known = upstream.remote.suite("suitesimulated01")["suite_secret"]
        suite = upstream.register_suite(
            suite_secret="the next secret",
            suite_secret_previous=known,
            suite_secret_previous_until=timezone.now() + timedelta(hours=48),
        )
        upstream.deliver_ticket(suite)
        return suite

    @pytest.mark.parametrize("method", CorpTokenMethod)
    def test_the_previous_one_is_used_while_it_is_live_and_that_is_noted(self, upstream, rotated, method):
        rotated.corp_token_method = method

        assert request_corp_token(rotated, CORP_ID).method == method
        assert suite_access_token(rotated)

        assert Suite.objects.get().suite_secret_previous_used_at is not None
        assert asked(upstream).count(ENDPOINT[method]) == 2

    def test_its_use_is_written_once_a_minute(self, rotated, django_assert_num_queries):
        def refused_unless_previous(secret: str) -> str:
            if secret == rotated.suite_secret:
                raise_invalid_client()
            return secret

        with_secret(rotated, refused_unless_previous)
        noted_at = Suite.objects.get().suite_secret_previous_used_at
        with_secret(rotated, refused_unless_previous)
        assert Suite.objects.get().suite_secret_previous_used_at == noted_at

        Suite.objects.update(suite_secret_previous_used_at=noted_at - timedelta(seconds=61))
        with_secret(rotated, refused_unless_previous)

        assert Suite.objects.get().suite_secret_previous_used_at >= noted_at

    def test_one_that_has_ended_is_not_tried(self, upstream, rotated):
        rotated.suite_secret_previous_until = timezone.now() - timedelta(seconds=1)

        with pytest.raises(ApiError) as refusal:
            request_corp_token(rotated, CORP_ID)

        assert refusal.value.code == "invalidClientIdOrSecret"
        assert asked(upstream) == [CORP_TOKEN]
        assert Suite.objects.get().suite_secret_previous_used_at is None

    def test_another_refusal_does_not_send_the_previous_one(self, upstream, rotated):
        upstream.fault(CORP_TOKEN, "errcode", code="invalidSuiteKey")

        with pytest.raises(ApiError):
            request_corp_token(rotated, CORP_ID)

        assert asked(upstream) == [CORP_TOKEN]


def raise_invalid_client() -> None:
    from dingtalk.protocol.error_table import classify

    raise classify(endpoint="/x", code="invalid.client", http_status=400)


def test_a_customised_app_needs_no_ticket(upstream, granted):
    upstream.remote._call("PUT", "/_sim/suites/suitesimulated01", {"is_custom": True})
    app = upstream.register_suite(kind=SuiteKind.CUSTOM_APP, corp_token_method=CorpTokenMethod.SIGNED)

    obtained = request_corp_token(app, CORP_ID)

    assert (obtained.method, obtained.fallback_reason) == (CorpTokenMethod.SIGNED, "")
    assert suite_access_token(app)
