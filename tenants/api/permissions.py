"""What a caller may do: each view names the scope that it needs, and one that names none is shut."""

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.models import ApiKey


class HasScope(BasePermission):
    """The client of the key has the scope that the view names as `required_scope`."""

    code = "insufficient_scope"
    message = _("This key does not have the scope that is needed here.")

    def has_permission(self, request: Request, view: object) -> bool:
        key, scope = request.auth, getattr(view, "required_scope", None)
        return isinstance(key, ApiKey) and scope is not None and scope in key.client.scopes
