"""
`python -m tests.load`: what so many companies ask of the portal, and how many cores that takes.

Arithmetic only: rates follow from how often DingTalk pushes and apps ask, cores from what one push, event and
token cost on the machine that the costs are from. Measure these with `make bench` and give them here.
"""

import argparse
from math import ceil

DAY_SECONDS = 86_400
TOKEN_SECONDS = 7_200
# A core that is busier than this makes whoever asks wait.
BUSY = 0.6


def main() -> None:
    """Print a table."""
    options = _options()
    for name, unit, value in rows(options):
        print(f"| {name} | {value:,.1f} | {unit} |")


def rows(options: argparse.Namespace) -> list[tuple[str, str, float]]:
    """Return name, unit and value of each figure."""
    in_use = options.companies * options.used_share
    # A day's pushes come in so many hours, and the peak is so many times their mean.
    pushes = options.companies * options.pushes_a_day / (options.busy_hours * 3600) * options.peak
    renewals = in_use / TOKEN_SECONDS
    tokens = in_use * options.tokens_an_hour / 3600 * options.peak
    callback_cores = pushes * options.push_ms / 1000 / BUSY
    worker_cores = (pushes * options.event_ms + renewals * options.renewal_ms) / 1000 / BUSY
    web_cores = tokens * options.token_ms / 1000 / BUSY
    stored = options.companies * options.pushes_a_day * options.event_bytes
    return [
        ("pushes at the peak", "a second", pushes),
        ("renewals of tokens", "a second", renewals),
        ("tokens handed out at the peak", "a second", tokens),
        ("calls to DingTalk for renewals", "in 20 seconds, of 8,000", renewals * 20),
        ("callback processes", "of one core each", ceil(callback_cores)),
        ("worker processes", "of one core each", ceil(worker_cores)),
        ("web processes", "of one core each", ceil(web_cores)),
        ("events stored", "GB a day", stored / 1e9),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--companies", type=float, default=1_000_000)
    parser.add_argument(
        "--used-share", type=float, default=0.1, help="companies whose app is used in an hour"
    )
    parser.add_argument("--pushes-a-day", type=float, default=10, help="of a company")
    parser.add_argument("--busy-hours", type=float, default=10)
    parser.add_argument("--peak", type=float, default=3, help="times the mean of the busy hours")
    parser.add_argument("--tokens-an-hour", type=float, default=30, help="asked for by a company in use")
    parser.add_argument("--push-ms", type=float, default=1.0, help="of one core, a push until acknowledged")
    parser.add_argument("--event-ms", type=float, default=10.0, help="of one core, split and handled")
    parser.add_argument("--token-ms", type=float, default=2.0, help="of one core, handing one out")
    parser.add_argument("--renewal-ms", type=float, default=10.0, help="of one core, without waiting")
    parser.add_argument("--event-bytes", type=float, default=1_500, help="push and event with their indexes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
