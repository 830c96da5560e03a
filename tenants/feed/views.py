"""The endpoint of the feed."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dingtalk import feed
from tenants.api import schema
from tenants.api.base import ApiView
from tenants.feed import reading
from tenants.feed.cursors import write_cursor
from tenants.feed.serializers import LATEST, EventPageSerializer, FeedParametersSerializer
from tenants.models import Scope

PAGE_EXAMPLE = OpenApiExample(
    "A page",
    value={
        "results": [
            {
                "cursor": "ZmVlZDo0MTg",
                "id": "01937f5e-5a2b-7c10-9d3e-0f6a2b4c8d1e",
                "suite_key": "suiteabcdefgh",
                "corp_id": "ding0123456789",
                "type": "user_modify_org",
                "biz_type": 13,
                "biz_id": "user0001",
                "platform_time": "2026-11-20T03:00:00Z",
                "received_at": "2026-11-20T03:00:00.412000Z",
                "data": {"syncAction": "user_modify_org", "userid": "user0001", "name": "李雷"},
            }
        ],
        "next": "ZmVlZDo0MTg",
        "has_more": False,
    },
    response_only=True,
    status_codes=["200"],
)


class EventFeed(ApiView):
    """The events of the tenants that the key covers, in the order of the feed."""

    required_scope = Scope.EVENTS_READ
    parameters = frozenset(FeedParametersSerializer().fields)
    serializer_class = EventPageSerializer

    @extend_schema(
        operation_id="events_list",
        summary="Read the events feed",
        parameters=[FeedParametersSerializer],
        responses=schema.answers(EventPageSerializer),
        examples=[PAGE_EXAMPLE],
    )
    def get(self, _request: Request) -> Response:
        """
        Needs `events:read`.

        Each event is there at least once and none is passed over. Keep `next`, also that of an empty page,
        and ask again with it as `after`: at once while `has_more`, else after a pause.
        """
        wanted = self.read_query(FeedParametersSerializer)
        after, types = wanted.pop("after", None), wanted.pop("type", ())
        page = self._read(after, types=types, **wanted)
        shown = {"results": page.entries, "next": write_cursor(page.position), "has_more": page.has_more}
        return Response(EventPageSerializer(shown).data)

    def _read(self, after: int | str | None, **wanted: Any) -> reading.Page:
        if after == LATEST:
            return reading.Page(entries=[], position=feed.head_position(), has_more=False)
        position = reading.start_position() if after is None else int(after)
        try:
            return reading.read_page(self.client, after=position, **wanted)
        except reading.CursorAhead as error:
            message = _(
                "The feed has not come so far: it was restored from a backup. Begin without a cursor."
            )
            raise ValidationError({"after": message}) from error
