"""Endpoints by which tenant apps read a company's address book. Each needs `contacts:read`."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api import schema
from tenants.api.base import ApiView, WritingApiView
from tenants.contacts import examples
from tenants.contacts.reading import Book
from tenants.contacts.serializers import (
    ChildrenSerializer,
    ContactUserPageSerializer,
    ContactUserSerializer,
    DepartmentDetailSerializer,
    DepartmentPageSerializer,
    LanguageSerializer,
    MobileSerializer,
    PageSerializer,
    RolePageSerializer,
    RoleUserPageSerializer,
    UserPageSerializer,
)
from tenants.models import Scope

ERRORS = (404, 409, 502)
OF_TENANT = [schema.SUITE_KEY, schema.CORP_ID]


class ContactView(ApiView):
    """What the endpoints of the address book share."""

    required_scope = Scope.CONTACTS_READ

    def book(self) -> Book:
        """Return the address book of the tenant that the URL names."""
        return Book(self.client, suite_key=self.kwargs["suite_key"], corp_id=self.kwargs["corp_id"])


class ContactUser(ContactView):
    """One person, by userid."""

    parameters = frozenset({"language"})
    serializer_class = ContactUserSerializer

    @extend_schema(
        operation_id="contacts_user",
        summary="Show a person",
        parameters=[*OF_TENANT, examples.USER_ID, LanguageSerializer],
        responses=schema.answers(ContactUserSerializer, *ERRORS),
        examples=[examples.USER],
    )
    def get(self, _request: Request, user_id: str, **_tenant: str) -> Response:
        """Needs `contacts:read`."""
        user = self.book().get_user(user_id, **self.read_query(LanguageSerializer))
        return Response(ContactUserSerializer(user).data)


class ContactUserByUnionId(ContactView):
    """One person, by union id."""

    serializer_class = ContactUserSerializer

    @extend_schema(
        operation_id="contacts_user_by_union_id",
        summary="Find a person by union id",
        parameters=[*OF_TENANT, examples.UNION_ID],
        responses=schema.answers(ContactUserSerializer, *ERRORS),
        examples=[examples.USER],
    )
    def get(self, _request: Request, union_id: str, **_tenant: str) -> Response:
        """Needs `contacts:read`."""
        return Response(ContactUserSerializer(self.book().get_user_by_union_id(union_id)).data)


class ContactUserByMobile(ContactView, WritingApiView):
    """One person, by mobile number."""

    http_method_names = WritingApiView.http_method_names
    serializer_class = MobileSerializer

    @extend_schema(
        operation_id="contacts_user_by_mobile",
        summary="Find a person by mobile number",
        parameters=OF_TENANT,
        request=MobileSerializer,
        responses=schema.answers(ContactUserSerializer, *ERRORS),
        examples=[examples.MOBILE, examples.USER],
    )
    def post(self, _request: Request, **_tenant: str) -> Response:
        """
        Needs `contacts:read`.

        DingTalk may refuse this to apps of an ISV: `dingtalk_permission`.
        """
        user = self.book().get_user_by_mobile(self.read_body(MobileSerializer)["mobile"])
        return Response(ContactUserSerializer(user).data)


class ContactDepartments(ContactView):
    """The direct children of a department."""

    parameters = frozenset({"parent_id", "language"})
    serializer_class = DepartmentPageSerializer

    @extend_schema(
        operation_id="contacts_departments",
        summary="List the departments below one",
        parameters=[*OF_TENANT, ChildrenSerializer],
        responses=schema.answers(DepartmentPageSerializer, *ERRORS),
        examples=[examples.DEPARTMENTS],
    )
    def get(self, _request: Request, **_tenant: str) -> Response:
        """
        Needs `contacts:read`.

        Direct children only. Where the company has not granted the root, begin with the departments in
        `auth_scope` of the tenant.
        """
        children = self.book().list_departments(**self.read_query(ChildrenSerializer))
        return _page(DepartmentPageSerializer, children, None)


class ContactDepartment(ContactView):
    """One department."""

    parameters = frozenset({"language"})
    serializer_class = DepartmentDetailSerializer

    @extend_schema(
        operation_id="contacts_department",
        summary="Show a department",
        parameters=[*OF_TENANT, examples.DEPT_ID, LanguageSerializer],
        responses=schema.answers(DepartmentDetailSerializer, *ERRORS),
        examples=[examples.DEPARTMENT],
    )
    def get(self, _request: Request, dept_id: str, **_tenant: str) -> Response:
        """Needs `contacts:read`."""
        department = self.book().get_department(dept_id, **self.read_query(LanguageSerializer))
        return Response(DepartmentDetailSerializer(department).data)


class ContactDepartmentUsers(ContactView):
    """The people who are in one department."""

    parameters = frozenset({"cursor", "limit", "language"})
    serializer_class = ContactUserPageSerializer

    @extend_schema(
        operation_id="contacts_department_users",
        summary="List the people of a department",
        parameters=[*OF_TENANT, examples.DEPT_ID, UserPageSerializer],
        responses=schema.answers(ContactUserPageSerializer, *ERRORS),
        examples=[examples.USERS],
    )
    def get(self, _request: Request, dept_id: str, **_tenant: str) -> Response:
        """
        Needs `contacts:read`.

        Who is in this very department, not below it. Somebody in several departments is in the list of each.
        """
        page = self.book().list_department_users(dept_id, **self.read_query(UserPageSerializer))
        return _page(ContactUserPageSerializer, page.users, page.next_cursor)


class ContactRoles(ContactView):
    """The roles of a company."""

    parameters = frozenset({"cursor", "limit"})
    serializer_class = RolePageSerializer

    @extend_schema(
        operation_id="contacts_roles",
        summary="List the roles",
        parameters=[*OF_TENANT, PageSerializer],
        responses=schema.answers(RolePageSerializer, *ERRORS),
        examples=[examples.ROLES],
    )
    def get(self, _request: Request, **_tenant: str) -> Response:
        """Needs `contacts:read`."""
        page = self.book().list_roles(**self.read_query(PageSerializer))
        return _page(RolePageSerializer, page.roles, page.next_offset)


class ContactRoleUsers(ContactView):
    """The people who have one role."""

    parameters = frozenset({"cursor", "limit"})
    serializer_class = RoleUserPageSerializer

    @extend_schema(
        operation_id="contacts_role_users",
        summary="List the people who have a role",
        parameters=[*OF_TENANT, examples.ROLE_ID, PageSerializer],
        responses=schema.answers(RoleUserPageSerializer, *ERRORS),
        examples=[examples.ROLE_USERS],
    )
    def get(self, _request: Request, role_id: str, **_tenant: str) -> Response:
        """Needs `contacts:read`."""
        page = self.book().list_role_users(role_id, **self.read_query(PageSerializer))
        return _page(RoleUserPageSerializer, page.users, page.next_offset)


def _page(serializer: Any, results: Iterable[Any], next_cursor: int | None) -> Response:
    """Show a page. The cursor is a text of which apps know nothing: it may become another one."""
    shown = {"results": results, "next_cursor": None if next_cursor is None else str(next_cursor)}
    return Response(serializer(shown).data)
