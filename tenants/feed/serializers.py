"""What the feed is asked and what it answers."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from tenants.api.fields import UtcDateTimeField
from tenants.api.pagination import MAX_LIMIT
from tenants.feed import reading
from tenants.feed.cursors import DamagedCursor, read_cursor, write_cursor
from tenants.identifiers import MAX_CORP_ID_LENGTH, MAX_SUITE_KEY_LENGTH

LATEST = "latest"
MAX_TYPES = 20
_TYPE_LENGTH = 100
_MAX_AFTER_LENGTH = 64


class FeedParametersSerializer(serializers.Serializer[Any]):
    """The query of a request for events."""

    after = serializers.CharField(
        required=False,
        max_length=_MAX_AFTER_LENGTH,
        help_text="`next` of the last page, or the `cursor` of an entry; `latest`: from now on. Left out: "
        "from the oldest event that is kept.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=50)
    suite_key = serializers.CharField(default="", max_length=MAX_SUITE_KEY_LENGTH, help_text="Exactly.")
    corp_id = serializers.CharField(default="", max_length=MAX_CORP_ID_LENGTH, help_text="Exactly.")
    type = serializers.CharField(
        required=False,
        max_length=MAX_TYPES * (_TYPE_LENGTH + 1),
        help_text=f"Event types, exactly; several (at most {MAX_TYPES}) with commas between them.",
    )

    def validate_after(self, text: str) -> int | str:
        """Return the position, or `latest` as it is."""
        if text == LATEST:
            return LATEST
        try:
            return read_cursor(text)
        except DamagedCursor as error:
            raise serializers.ValidationError(_("This cursor is damaged; begin without one.")) from error

    def validate_type(self, text: str) -> list[str]:
        """Return the types, each by itself."""
        types = [name.strip() for name in text.split(",")]
        if len(types) > MAX_TYPES or not all(types):
            raise serializers.ValidationError(_("One to twenty event types with commas are expected."))
        return types


class EventSerializer(serializers.Serializer[reading.Entry]):
    """One event."""

    cursor = serializers.SerializerMethodField(help_text="The place after this event.")
    id = serializers.UUIDField(source="event.pk", help_text="The same whenever this event is read.")
    suite_key = serializers.CharField(source="event.suite.suite_key")
    corp_id = serializers.CharField(source="event.corp_id", help_text="Empty when DingTalk named none.")
    type = serializers.CharField(source="event.event_type", help_text="Empty when DingTalk named none.")
    biz_type = serializers.IntegerField(source="event.biz_type", allow_null=True)
    biz_id = serializers.CharField(source="event.biz_id")
    platform_time = UtcDateTimeField(
        source="event.platform_time", help_text="DingTalk's time of the change: compare it, not the order."
    )
    received_at = UtcDateTimeField(source="event.received_at")
    data = serializers.DictField(  # type: ignore[assignment]
        allow_null=True, help_text="What DingTalk sent, without secrets; null once it was removed."
    )

    def get_cursor(self, entry: reading.Entry) -> str:
        """Return the place after this event."""
        return write_cursor(entry.position)


class EventPageSerializer(serializers.Serializer[Any]):
    """A page of the feed."""

    results = EventSerializer(many=True)
    next = serializers.CharField(help_text="Where to go on, also after an empty page.")
    has_more = serializers.BooleanField(help_text="Whether to ask again at once.")
