"""
`python -m tests.bench.token_callers`: callers in one process who all want the tokens of many companies.

Run several times at once, in the portal's environment. Waits for a line on its input, so that all begin
together; prints as JSON how many answers there were, how many different tokens, and how long the longest and
the median answer took.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import django

django.setup()

from django.db import connection  # noqa: E402

from tenants.errors import TokenUnavailable  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.tokens import get_corp_access_token  # noqa: E402

# While the callers of one wait for DingTalk.
COMPANIES_AT_ONCE = 2


def main() -> None:
    """Ask for each company's token by all callers at once, some companies at a time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--callers", type=int, required=True)
    callers = parser.parse_args().callers
    companies = list(Tenant.objects.order_by("id").values_list("suite__suite_key", "corp__corp_id"))
    threads = callers * COMPANIES_AT_ONCE
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_open_connection, range(threads)))
        print("ready", flush=True)
        sys.stdin.readline()
        answers = list(pool.map(_ask, [company for company in companies for _ in range(callers)]))
    seconds = [each for each, _ in answers]
    print(
        json.dumps(
            {
                "answers": len(answers),
                "tokens": len({token for _, token in answers}),
                "longest": max(seconds),
                "median": median(seconds),
            }
        )
    )


def _ask(company: tuple[str, str]) -> tuple[float, str]:
    """Ask until there is a token, as whoever is told when to come again; return the seconds and the token."""
    suite_key, corp_id = company
    started = time.monotonic()
    while True:
        try:
            token = get_corp_access_token(Tenant.objects.all(), suite_key=suite_key, corp_id=corp_id)
        except TokenUnavailable as refusal:
            time.sleep(refusal.retry_after_seconds)
        else:
            return time.monotonic() - started, token.access_token


def _open_connection(_number: int) -> None:
    connection.ensure_connection()
    time.sleep(0.05)


if __name__ == "__main__":
    main()
