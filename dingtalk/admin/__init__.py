"""Admin pages of what is stored of the conversation with DingTalk."""

from dingtalk.admin import events, outages, processes, pushes, rds, refusals, stream, suites, tickets

__all__ = ["events", "outages", "processes", "pushes", "rds", "refusals", "stream", "suites", "tickets"]
