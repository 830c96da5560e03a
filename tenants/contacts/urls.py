"""URLs of the address book, below /api/v1."""

from django.urls import path

from tenants.contacts import views

_TENANT = "tenants/<str:suite_key>/<str:corp_id>"
_DEPARTMENT = f"{_TENANT}/departments/<str:dept_id>"

urlpatterns = [
    path(f"{_TENANT}/users/by-mobile", views.ContactUserByMobile.as_view(), name="user-by-mobile"),
    path(
        f"{_TENANT}/users/by-union-id/<str:union_id>",
        views.ContactUserByUnionId.as_view(),
        name="user-by-union-id",
    ),
    path(f"{_TENANT}/users/<str:user_id>", views.ContactUser.as_view(), name="user"),
    path(f"{_TENANT}/departments", views.ContactDepartments.as_view(), name="departments"),
    path(_DEPARTMENT, views.ContactDepartment.as_view(), name="department"),
    path(f"{_DEPARTMENT}/users", views.ContactDepartmentUsers.as_view(), name="department-users"),
    path(f"{_TENANT}/roles", views.ContactRoles.as_view(), name="roles"),
    path(f"{_TENANT}/roles/<str:role_id>/users", views.ContactRoleUsers.as_view(), name="role-users"),
]
