"""
Reading the address book of a tenant in a tenant app's name.

The tenant is found first, so that nothing is told of one that the app may not see, and DingTalk is asked only
for what can be there. Everything here raises TenantNotFound, TenantNotActive, TokenUnavailable, the
DingTalkError of the call, and ContactNotFound for what can be no id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dingtalk.client import DingTalkClient, dingtalk_client
from dingtalk.client.departments import Department, DepartmentDetail
from dingtalk.client.roles import RolePage, RoleUserPage
from dingtalk.client.users import User, UserPage
from tenants.calling import call_as_tenant, find_active_tenant
from tenants.contacts.ids import is_number_id, is_user_id
from tenants.errors import ContactNotFound
from tenants.models import ApiClient

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Book:
    """The address book of one tenant, as one tenant app asks for it."""

    client: ApiClient
    suite_key: str
    corp_id: str

    def get_user(self, user_id: str, *, language: str) -> User:
        """Return one person."""

        def ask(dingtalk: DingTalkClient, token: str) -> User:
            return dingtalk.get_user(corp_access_token=token, user_id=user_id, language=language)

        return self._ask(ask, can_be=is_user_id(user_id))

    def get_user_by_union_id(self, union_id: str) -> User:
        """Return the person who has this union id; two calls."""

        def ask(dingtalk: DingTalkClient, token: str) -> str:
            return dingtalk.get_user_id_by_union_id(corp_access_token=token, union_id=union_id)

        return self._get_found_user(self._ask(ask, can_be=is_user_id(union_id)))

    def get_user_by_mobile(self, mobile: str) -> User:
        """Return the person who has this mobile number; two calls."""

        def ask(dingtalk: DingTalkClient, token: str) -> str:
            return dingtalk.get_user_id_by_mobile(corp_access_token=token, mobile=mobile)

        return self._get_found_user(self._ask(ask))

    def list_departments(self, parent_id: int, *, language: str) -> list[Department]:
        """Return the direct children of a department."""

        def ask(dingtalk: DingTalkClient, token: str) -> list[Department]:
            return dingtalk.list_sub_departments(
                corp_access_token=token, dept_id=parent_id, language=language
            )

        return self._ask(ask)

    def get_department(self, dept_id: str, *, language: str) -> DepartmentDetail:
        """Return one department."""

        def ask(dingtalk: DingTalkClient, token: str) -> DepartmentDetail:
            return dingtalk.get_department(corp_access_token=token, dept_id=int(dept_id), language=language)

        return self._ask(ask, can_be=is_number_id(dept_id))

    def list_department_users(self, dept_id: str, *, cursor: int, limit: int, language: str) -> UserPage:
        """Return a page of the people who are in this very department."""

        def ask(dingtalk: DingTalkClient, token: str) -> UserPage:
            return dingtalk.list_users(
                corp_access_token=token, dept_id=int(dept_id), cursor=cursor, size=limit, language=language
            )

        return self._ask(ask, can_be=is_number_id(dept_id))

    def list_roles(self, *, cursor: int, limit: int) -> RolePage:
        """Return a page of the roles."""

        def ask(dingtalk: DingTalkClient, token: str) -> RolePage:
            return dingtalk.list_roles(corp_access_token=token, offset=cursor, size=limit)

        return self._ask(ask)

    def list_role_users(self, role_id: str, *, cursor: int, limit: int) -> RoleUserPage:
        """Return a page of the people who have a role."""

        def ask(dingtalk: DingTalkClient, token: str) -> RoleUserPage:
            return dingtalk.list_role_users(
                corp_access_token=token, role_id=int(role_id), offset=cursor, size=limit
            )

        return self._ask(ask, can_be=is_number_id(role_id))

    def _get_found_user(self, user_id: str) -> User:
        """The second of two calls, for which the tenant is looked at again: it may have withdrawn."""
        return self._ask(lambda dingtalk, token: dingtalk.get_user(corp_access_token=token, user_id=user_id))

    def _ask(self, call: Callable[[DingTalkClient, str], AnswerT], *, can_be: bool = True) -> AnswerT:
        """Make the call. `can_be`: whether what is asked for can be an id at all."""
        tenant = find_active_tenant(self.client, suite_key=self.suite_key, corp_id=self.corp_id)
        if not can_be:
            raise ContactNotFound
        return call_as_tenant(tenant, lambda token: call(dingtalk_client(), token))
