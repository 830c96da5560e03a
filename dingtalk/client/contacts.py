"""Calls about whom a company lets the app see, who its people are by other ids, and the company itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dingtalk.client.answers import read_auth_scopes, read_object, read_objects
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.client.users import read_user_id
from dingtalk.protocol.fields import clean_text, read_bool, read_int
from dingtalk.protocol.grant import AuthScope

GET_AUTH_SCOPES = Call("/auth/scopes", method="GET")
GET_USER_ID_BY_UNION_ID = Call("/topapi/user/getbyunionid")
GET_USER_ID_BY_MOBILE = Call("/topapi/v2/user/getbymobile")
LIST_ADMINISTRATORS = Call("/topapi/user/listadmin")
COUNT_USERS = Call("/topapi/user/count")
CAN_ACCESS_MICROAPP = Call("/user/can_access_microapp", method="GET")
GET_ORGANIZATION_AUTH_INFO = Call("/v1.0/contact/organizations/authInfos", family=Family.NEW, method="GET")

_MAIN_ADMINISTRATOR = 1
_TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class Administrator:
    """Somebody who administers the company: its main administrator, or one for a part."""

    user_id: str
    is_main: bool


@dataclass(frozen=True)
class OrganizationAuthInfo:
    """What DingTalk has verified about a company; with `auth_level` 0 only its name is told."""

    auth_level: int
    org_name: str
    license_org_name: str = ""
    registration_number: str = ""
    unified_social_credit: str = ""
    organization_code: str = ""
    legal_person: str = field(default="", repr=False)
    license_url: str = field(default="", repr=False)


class ContactCalls(Caller):
    """Each is made with the company's token, reads only, and does no harm when repeated."""

    def get_auth_scopes(self, *, corp_access_token: str) -> AuthScope:
        """Get whom the app may see. Source: obtain-corpsecret-authorization-scope."""
        request = Request(GET_AUTH_SCOPES, query={"access_token": corp_access_token})
        return self.ask(request, read_auth_scopes)

    def get_user_id_by_union_id(self, *, corp_access_token: str, union_id: str) -> str:
        """
        Get the userid that a person has in this company.

        Errors: 60121 nobody here has this union id, 400002. Source: query-a-user-by-the-union-id.
        """
        request = Request(
            GET_USER_ID_BY_UNION_ID,
            query={"access_token": corp_access_token},
            body={"unionid": union_id},
        )
        return self.ask(request, _read_found_user_id)

    def get_user_id_by_mobile(self, *, corp_access_token: str, mobile: str) -> str:
        """
        Get the userid of whoever has this mobile number. ISV apps may be refused (60011).

        Errors: 60121 nobody here has this number, 60011 no permission, 400002.
        Source: query-users-by-phone-number.
        """
        request = Request(
            GET_USER_ID_BY_MOBILE, query={"access_token": corp_access_token}, body={"mobile": mobile}
        )
        return self.ask(request, _read_found_user_id)

    def list_administrators(self, *, corp_access_token: str) -> list[Administrator]:
        """
        List who administers the company, at once.

        Errors: 43007 not granted. Source: query-the-administrator-list.
        """
        request = Request(LIST_ADMINISTRATORS, query={"access_token": corp_access_token}, body={})
        return self.ask(request, _read_administrators)

    def count_users(self, *, corp_access_token: str, only_active: bool = False) -> int:
        """
        Count the people of the company. `only_active`: who have signed in to DingTalk. Not range limited.

        Errors: 400002, 40035. Source: user-management-acquires-number-employees.
        """
        request = Request(
            COUNT_USERS, query={"access_token": corp_access_token}, body={"only_active": only_active}
        )
        return self.ask(request, _read_count)

    def can_access_microapp(self, *, corp_access_token: str, app_id: int, user_id: str) -> bool:
        """
        Tell whether an administrator may manage an app of ours; for ISV apps only.

        Source: obtains-the-administrator-s-microapplication-management-permission.
        """
        query = {"access_token": corp_access_token, "appId": str(app_id), "userId": user_id}
        return self.ask(Request(CAN_ACCESS_MICROAPP, query=query), _read_access)

    def get_organization_auth_info(self, *, corp_access_token: str, corp_id: str) -> OrganizationAuthInfo:
        """
        Get what DingTalk has verified about the company.

        Errors: `invalidParameter.system.param`, `permission.denied`, `service.system.error`.
        Source: obtain-enterprise-authentication-information.
        """
        request = Request(
            GET_ORGANIZATION_AUTH_INFO,
            query={"targetCorpId": corp_id},
            token=corp_access_token,
            corp_id=corp_id,
        )
        return self.ask(request, _read_organization)


def _read_found_user_id(members: Mapping[str, Any]) -> str:
    return read_user_id(read_object(members, "result"))


def _read_administrators(members: Mapping[str, Any]) -> list[Administrator]:
    if "result" not in members:
        raise UnusableAnswer("no result in the answer")
    return [
        Administrator(read_user_id(each), read_int(each.get("sys_level")) == _MAIN_ADMINISTRATOR)
        for each in read_objects(members, "result")
    ]


def _read_count(members: Mapping[str, Any]) -> int:
    count = read_int(read_object(members, "result").get("count"))
    if count is None:
        raise UnusableAnswer("no count in the answer")
    return count


def _read_access(members: Mapping[str, Any]) -> bool:
    can_access = read_bool(members.get("canAccess"))
    if can_access is None:
        raise UnusableAnswer("no canAccess in the answer")
    return can_access


def _read_organization(members: Mapping[str, Any]) -> OrganizationAuthInfo:
    auth_level = read_int(members.get("authLevel"))
    if auth_level is None:
        raise UnusableAnswer("no authLevel in the answer")

    def text(name: str) -> str:
        return clean_text(members.get(name), _TEXT_LENGTH)

    return OrganizationAuthInfo(
        auth_level=auth_level,
        org_name=text("orgName"),
        license_org_name=text("licenseOrgName"),
        registration_number=text("registrationNum"),
        unified_social_credit=text("unifiedSocialCredit"),
        organization_code=text("organizationCode"),
        legal_person=text("legalPerson"),
        license_url=text("licenseUrl"),
    )
