"""What signing takes and shows, field by field. The ticket is never among it."""

from typing import Any

from rest_framework import serializers

from tenants.api.fields import BoundedListField
from tenants.jsapi.pages import MAX_URL_LENGTH

MAX_API_NAMES = 200
# dd.config's type: 0 for a micro app, 1 for a service window.
MICRO_APP = 0
_PREFIX = "dd."


class ApiNameField(serializers.RegexField):
    """The name of a JSAPI; the prefix `dd.` is left out, as dd.config wants it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[A-Za-z][A-Za-z0-9_.]{0,99}\Z", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        return text.removeprefix(_PREFIX)


class PageSerializer(serializers.Serializer[Any]):
    """A page to be signed."""

    url = serializers.CharField(
        max_length=MAX_URL_LENGTH,
        trim_whitespace=False,
        help_text="The page's `location.href`, as the browser shows it.",
    )
    algorithm = serializers.ChoiceField(
        ["sha256", "sha1"], default="sha256", help_text="`sha1` only for old versions of DingTalk's script."
    )
    agent_id = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Which agent of the company; not needed while only one is switched on.",
    )
    js_api_list = BoundedListField(
        most=MAX_API_NAMES,
        max_length=MAX_API_NAMES,
        child=ApiNameField(),
        required=False,
        default=list,
        help_text="The JSAPIs that the page uses; answered back, so that the answer is all of `dd.config`.",
    )


class JsapiConfigSerializer(serializers.Serializer[Any]):
    """What the page passes to `dd.config`, in camelCase there."""

    agent_id = serializers.IntegerField()
    corp_id = serializers.CharField()
    time_stamp = serializers.IntegerField(help_text="Unix milliseconds.")
    nonce_str = serializers.CharField()
    signature = serializers.CharField()
    type = serializers.IntegerField(help_text="0: a micro app.")
    js_api_list = serializers.ListField(child=serializers.CharField())
    algorithm = serializers.ChoiceField(["sha256", "sha1"])
    url = serializers.CharField(help_text="What was signed: without the fragment, the query decoded once.")
