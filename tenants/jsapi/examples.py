"""Examples of signing for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample

PAGE = OpenApiExample(
    "A page",
    value={
        "url": "https://app.example.com/home?tab=%E5%BE%85%E5%8A%9E#top",
        "js_api_list": ["device.base.getUUID"],
    },
    request_only=True,
)
CONFIG = OpenApiExample(
    "Its configuration",
    value={
        "agent_id": 1234567890,
        "corp_id": "ding0123456789",
        "time_stamp": 1795140000000,
        "nonce_str": "5f0c7a1be2d94c36a8d1f7b2",
        "signature": "818ebea09f1a2a5ee64840963f267bb7594f3305ab3559b5442bee55a6cf35d5",
        "type": 0,
        "js_api_list": ["device.base.getUUID"],
        "algorithm": "sha256",
        "url": "https://app.example.com/home?tab=待办",
    },
    response_only=True,
    status_codes=["200"],
)
