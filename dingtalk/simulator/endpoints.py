"""Which path is answered by which function; everything else is an unknown path of its family."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dingtalk.simulator import (
    callback_registration,
    contacts,
    departments,
    internal_apps,
    jsapi,
    login,
    messages,
    oauth,
    old_contacts,
    roles,
    stream_gateway,
    suite_service,
)
from dingtalk.simulator.calls import Call

Handler = Callable[[Call], dict[str, Any]]

_MESSAGES = "/topapi/message/corpconversation"
_NEW_FAMILY = re.compile(r"/v\d+\.\d+/.*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of the server API: its name in ledger and faults, and the methods it takes."""

    name: str
    methods: tuple[str, ...]
    handler: Handler


def _table(entries: Mapping[tuple[str, str], Handler]) -> dict[str, Endpoint]:
    return {
        path: Endpoint(path, tuple(methods.split()), handler) for (methods, path), handler in entries.items()
    }


OLD_FAMILY = _table(
    {
        ("POST", "/service/get_suite_token"): suite_service.get_suite_token,
        ("POST", "/service/get_permanent_code"): suite_service.get_permanent_code,
        ("POST", "/service/activate_suite"): suite_service.activate_suite,
        ("POST", "/service/get_auth_info"): suite_service.get_auth_info,
        ("POST", "/service/get_corp_token"): suite_service.get_corp_token,
        ("POST", "/service/get_agent"): suite_service.get_agent,
        ("POST", "/service/get_unactive_corp"): suite_service.get_unactive_corp,
        ("POST", "/service/reauth_corp"): suite_service.reauth_corp,
        ("POST", "/service/set_corp_ipwhitelist"): suite_service.set_corp_ipwhitelist,
        ("GET POST", "/topapi/v2/user/getuserinfo"): login.get_user_info,
        ("GET", "/user/getuserinfo"): login.get_user_info_flat,
        ("GET", "/sso/gettoken"): login.get_sso_token,
        ("GET", "/sso/getuserinfo"): login.get_sso_user,
        ("GET", "/gettoken"): internal_apps.get_token,
        ("GET", "/get_jsapi_ticket"): jsapi.get_jsapi_ticket,
        ("POST", "/call_back/register_call_back"): callback_registration.register,
        ("POST", "/call_back/update_call_back"): callback_registration.update,
        ("GET", "/call_back/get_call_back"): callback_registration.get,
        ("GET", "/call_back/delete_call_back"): callback_registration.delete,
        ("GET", "/call_back/get_call_back_failed_result"): callback_registration.get_failed,
        ("GET", "/auth/scopes"): contacts.get_scopes,
        ("GET", "/user/get"): old_contacts.get_user,
        ("GET", "/user/list"): old_contacts.list_users,
        ("GET", "/user/simplelist"): old_contacts.list_simple_users,
        ("GET", "/user/getDeptMember"): old_contacts.list_user_ids,
        ("GET", "/user/getUseridByUnionid"): old_contacts.get_by_union_id,
        ("GET", "/user/get_admin"): old_contacts.list_administrators,
        ("GET", "/user/get_org_user_count"): old_contacts.count_users,
        ("GET", "/department/list"): old_contacts.list_departments,
        ("GET", "/department/list_ids"): old_contacts.list_department_ids,
        ("GET", "/department/get"): old_contacts.get_department,
        ("GET", "/department/list_parent_depts_by_dept"): old_contacts.list_parents_of_department,
        ("GET", "/department/list_parent_depts"): old_contacts.list_parents_of_user,
        ("GET POST", "/topapi/v2/user/get"): contacts.get_user,
        ("GET POST", "/topapi/v2/user/list"): contacts.list_users,
        ("GET POST", "/topapi/user/listsimple"): contacts.list_simple_users,
        ("GET POST", "/topapi/user/listid"): contacts.list_user_ids,
        ("GET POST", "/topapi/user/getbyunionid"): contacts.get_by_union_id,
        ("GET POST", "/topapi/v2/user/getbymobile"): contacts.get_by_mobile,
        ("GET POST", "/topapi/user/listadmin"): contacts.list_administrators,
        ("GET POST", "/topapi/user/count"): contacts.count_users,
        ("GET", "/user/can_access_microapp"): contacts.can_access_microapp,
        ("GET POST", "/topapi/v2/department/listsub"): departments.list_sub_departments,
        ("GET POST", "/topapi/v2/department/listsubid"): departments.list_sub_department_ids,
        ("GET POST", "/topapi/v2/department/get"): departments.get_department,
        ("GET POST", "/topapi/v2/department/listparentbydept"): departments.list_parents_of_department,
        ("GET POST", "/topapi/v2/department/listparentbyuser"): departments.list_parents_of_user,
        ("GET POST", "/topapi/role/list"): roles.list_roles,
        ("GET POST", "/topapi/role/getrole"): roles.get_role,
        ("GET POST", "/topapi/role/simplelist"): roles.list_role_users,
        ("POST", f"{_MESSAGES}/asyncsend_v2"): messages.send,
        ("POST", f"{_MESSAGES}/sendbytemplate"): messages.send_by_template,
        ("POST", f"{_MESSAGES}/getsendprogress"): messages.get_progress,
        ("POST", f"{_MESSAGES}/getsendresult"): messages.get_result,
        ("POST", f"{_MESSAGES}/recall"): messages.recall,
        ("POST", f"{_MESSAGES}/status_bar/update"): messages.update_status_bar,
    }
)

NEW_FAMILY = _table(
    {
        ("POST", "/v1.0/oauth2/suiteAccessToken"): oauth.suite_access_token,
        ("POST", "/v1.0/oauth2/corpAccessToken"): oauth.corp_access_token,
        ("POST", "/v1.0/oauth2/accessToken"): internal_apps.get_access_token,
        ("POST", "/v1.0/oauth2/jsapiTickets"): jsapi.create_jsapi_ticket,
        ("GET", "/v1.0/oauth2/apps/authInfo"): oauth.apps_auth_info,
        ("POST", "/v1.0/gateway/connections/open"): stream_gateway.open_connection,
        ("POST", "/v1.0/oauth2/userAccessToken"): login.user_access_token,
        ("GET", "/v1.0/contact/users/me"): login.current_user,
        ("POST", "/v1.0/oauth2/ssoAccessToken"): login.sso_access_token,
        ("GET", "/v1.0/oauth2/ssoUserInfo"): login.sso_user_info,
        ("GET", "/v1.0/contact/organizations/authInfos"): contacts.get_organization,
    }
)
# A part of these paths is a value.
_PATTERNS = (
    (
        re.compile(r"/v1\.0/oauth2/(?P<corp_id>[^/]+)/token"),
        Endpoint("/v1.0/oauth2/{corpId}/token", ("POST",), oauth.unified_token),
    ),
    (
        re.compile(r"/v1\.0/contact/users/(?P<union_id>[^/]+)"),
        Endpoint("/v1.0/contact/users/{unionId}", ("GET",), login.user_by_union_id),
    ),
)
# They push to the callback URL before they answer.
PUSHING_FIRST = frozenset({"/call_back/register_call_back", "/call_back/update_call_back"})
CHANGING = frozenset({"/service/get_permanent_code", "/service/activate_suite", "/service/reauth_corp"})
# Posted without any body, and so without a content type.
WITHOUT_BODY = frozenset({"/v1.0/oauth2/jsapiTickets"})
ENDPOINT_NAMES = frozenset({*OLD_FAMILY, *NEW_FAMILY, *(endpoint.name for _, endpoint in _PATTERNS)})


def is_new_family(path: str) -> bool:
    """Whether a path belongs to api.dingtalk.com."""
    return _NEW_FAMILY.fullmatch(path) is not None


def find_new_family(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """Endpoint and values in the path, or None: the gateway knows an action by its method and path."""
    found, values = _find_by_path(path)
    return None if found is None or method not in found.methods else (found, values)


def _find_by_path(path: str) -> tuple[Endpoint | None, dict[str, str]]:
    if path in NEW_FAMILY:
        return NEW_FAMILY[path], {}
    for pattern, endpoint in _PATTERNS:
        if match := pattern.fullmatch(path):
            return endpoint, match.groupdict()
    return None, {}
