"""DingTalk's own id of a call that it refused: its support asks for nothing else."""

import pytest

from tenants.models import AccessToken, TokenKind
from tests.support.onboarding import CORP_TOKEN, grant_arrives, reconciled
from tests.support.upstream import suite, upstream

__all__ = ["suite", "upstream"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("code", ["systemBusy", "Forbidden.AccessDenied.QpsLimitForApi"])
def test_the_id_of_a_refused_call_is_in_the_log_and_with_tenant_and_token(upstream, suite, caplog, code):
    upstream.fault(CORP_TOKEN, "errcode", code=code)

    tenant = reconciled(grant_arrives(suite, upstream.authorize()))

    refused = upstream.remote.calls(endpoint=CORP_TOKEN)["calls"][0]["request_id"]
    assert refused
    assert refused in tenant.last_error
    assert refused in AccessToken.objects.get(kind=TokenKind.CORP).last_error
    assert refused in {getattr(record, "request_id", "") for record in caplog.records}
