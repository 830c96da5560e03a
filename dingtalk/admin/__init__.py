"""Admin pages of what is stored of the conversation with DingTalk."""

from dingtalk.admin import events, outages, pushes, rds, refusals, stream, suites, tickets

__all__ = ["events", "outages", "pushes", "rds", "refusals", "stream", "suites", "tickets"]
