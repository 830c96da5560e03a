"""
What the endpoints of the address book take and show.

The shape is ours and stays: a copy kept by the portal will answer at the same URLs. Ids are as DingTalk gives
them; what it does not tell is null, or empty where it is a text or a list.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from dingtalk.client.departments import ROOT_DEPARTMENT
from dingtalk.client.users import LARGEST_PAGE
from dingtalk.protocol.fields import MAX_INT64
from tenants.contacts.ids import read_cursor

LANGUAGES = ["zh_CN", "en_US"]
DEFAULT_LIMIT = 50
_LONGEST_CURSOR = 64


class LanguageSerializer(serializers.Serializer[Any]):
    """The query of a request for one person or department."""

    language = serializers.ChoiceField(LANGUAGES, default=LANGUAGES[0], help_text="Of names.")


class ChildrenSerializer(LanguageSerializer):
    """The query of a request for departments."""

    parent_id = serializers.IntegerField(
        min_value=1, max_value=MAX_INT64, default=ROOT_DEPARTMENT, help_text="Whose children; 1 is the root."
    )


class PageSerializer(serializers.Serializer[Any]):
    """The query of a request for a page."""

    cursor = serializers.CharField(
        default="0", max_length=_LONGEST_CURSOR, help_text="`next_cursor` of the page before; nothing else."
    )
    limit = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=DEFAULT_LIMIT)

    def validate_cursor(self, text: str) -> int:
        """Return where the page begins."""
        position = read_cursor(text)
        if position is None:
            raise serializers.ValidationError(_("This cursor is damaged; begin without one."))
        return position


class UserPageSerializer(PageSerializer, LanguageSerializer):
    """The query of a request for a page of people."""


class MobileSerializer(serializers.Serializer[Any]):
    """Whose number it is; in the body, since URLs are logged on their way."""

    mobile = serializers.RegexField(
        r"\A\+?[0-9][0-9-]{4,19}\Z", help_text="Digits; outside mainland China with the country's code."
    )


class UserRoleSerializer(serializers.Serializer[Any]):
    """A role that the person has."""

    role_id = serializers.IntegerField()
    name = serializers.CharField()
    group_name = serializers.CharField()


class ContactUserSerializer(serializers.Serializer[Any]):
    """One person."""

    user_id = serializers.CharField(help_text="Unique in the company.")
    union_id = serializers.CharField(help_text="The same in all companies.")
    name = serializers.CharField(help_text="Not readable where the company encrypts its address book.")
    avatar = serializers.CharField(help_text="A URL.")
    title = serializers.CharField()
    job_number = serializers.CharField()
    manager_user_id = serializers.CharField()
    dept_ids = serializers.ListField(child=serializers.IntegerField())
    led_dept_ids = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="The departments that the person leads; in a list only the listed one.",
    )
    roles = UserRoleSerializer(many=True, help_text="Empty in a list.")
    is_active = serializers.BooleanField(allow_null=True, help_text="Has signed in to DingTalk.")
    is_real_authed = serializers.BooleanField(allow_null=True)
    is_senior = serializers.BooleanField(allow_null=True)
    is_admin = serializers.BooleanField(allow_null=True)
    is_boss = serializers.BooleanField(allow_null=True)
    hides_mobile = serializers.BooleanField(allow_null=True)
    exclusive_account = serializers.BooleanField(allow_null=True)


class DepartmentSerializer(serializers.Serializer[Any]):
    """One department in a list."""

    dept_id = serializers.IntegerField()
    name = serializers.CharField(help_text="Not readable where the company encrypts its address book.")
    parent_id = serializers.IntegerField(allow_null=True, help_text="Null for the root.")
    creates_group = serializers.BooleanField(allow_null=True, help_text="A group chat goes with it.")
    adds_users = serializers.BooleanField(allow_null=True, help_text="New members join that chat.")


class DepartmentDetailSerializer(DepartmentSerializer):
    """One department by itself."""

    order = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    manager_user_ids = serializers.ListField(child=serializers.CharField())
    owner_user_id = serializers.CharField(help_text="Who owns its group chat.")
    group_chat_id = serializers.CharField()
    is_hidden = serializers.BooleanField(allow_null=True)
    is_outer = serializers.BooleanField(allow_null=True, help_text="Its members see only themselves.")
    member_count = serializers.IntegerField(allow_null=True)


class RoleSerializer(serializers.Serializer[Any]):
    """One role, in its group."""

    role_id = serializers.IntegerField()
    name = serializers.CharField()
    group_id = serializers.IntegerField(allow_null=True)
    group_name = serializers.CharField()


class ManagedDepartmentSerializer(serializers.Serializer[Any]):
    """A department that a role is limited to."""

    dept_id = serializers.IntegerField()
    name = serializers.CharField()


class RoleUserSerializer(serializers.Serializer[Any]):
    """Somebody who has a role."""

    user_id = serializers.CharField()
    name = serializers.CharField()
    managed = ManagedDepartmentSerializer(many=True, help_text="Empty: the role is not limited.")


class _PageShown(serializers.Serializer[Any]):
    next_cursor = serializers.CharField(allow_null=True, help_text="For the next page; null: the last one.")


class ContactUserPageSerializer(_PageShown):
    """Some people of a department."""

    results = ContactUserSerializer(many=True)


class DepartmentPageSerializer(_PageShown):
    """Children of a department."""

    results = DepartmentSerializer(many=True)


class RolePageSerializer(_PageShown):
    """Some roles."""

    results = RoleSerializer(many=True)


class RoleUserPageSerializer(_PageShown):
    """Some people who have a role."""

    results = RoleUserSerializer(many=True)
