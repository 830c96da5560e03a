"""What tenants add to the admin of suites, which knows nothing of them."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from dingtalk.admin.suites import SuiteAdmin
from dingtalk.client import UnactiveCorps
from dingtalk.foundation.keyset_lists import COUNTED
from dingtalk.foundation.operators import operator_of
from dingtalk.foundation.text import visible
from dingtalk.models import Suite
from dingtalk.protocol.errors import ApiError, DingTalkError
from tenants import suite_operations
from tenants.admin.display import explained_error
from tenants.errors import TicketMissing, TokenUnavailable
from tenants.models import Tenant, TenantState

CANNOT_ASK = (DingTalkError, TicketMissing, TokenUnavailable)

admin.site.unregister(Suite)


@admin.register(Suite)
class SuiteWithTenantsAdmin(SuiteAdmin):
    """Suites, with how many companies authorised them."""

    list_display = (*SuiteAdmin.list_display, "active_tenants")
    actions_detail = (*SuiteAdmin.actions_detail, "waiting_companies")

    @action(
        description=_("Companies that wait"),
        permissions=["change"],
        icon="hourglass_empty",
        url_path="waiting-companies",
    )
    def waiting_companies(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show whom DingTalk lists as not activated; a POST has their grants pushed again."""
        suite = self.get_object(request, object_id)
        if suite is None:
            raise Http404
        waiting, problem = _waiting(suite)
        listed = waiting.corp_ids if waiting else []
        chosen = [corp_id for corp_id in request.POST.getlist("corp_id") if corp_id in listed]
        if chosen and waiting:
            self._push_again(request, suite, chosen, waiting.app_id)
            return HttpResponseRedirect(request.path)
        if request.method == "POST" and listed:
            self.message_user(request, gettext("Nothing is chosen that still waits."), messages.WARNING)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Companies that wait for %(suite)s") % {"suite": suite},
            "opts": self.opts,
            "waiting": waiting,
            "problem": problem,
            "back_url": reverse("admin:dingtalk_suite_change", args=[suite.pk]),
        }
        return TemplateResponse(request, "tenants/admin/waiting_companies.html", context)

    def _push_again(
        self, request: HttpRequest, suite: Suite, corp_ids: list[str], app_id: int | None
    ) -> None:
        actor, now = operator_of(request), timezone.now()
        try:
            suite_operations.have_grants_pushed_again(
                suite, corp_ids=corp_ids, app_id=app_id, actor=actor, now=now
            )
        except CANNOT_ASK as error:
            self.message_user(request, visible(str(error)), messages.ERROR)
            return
        self.log_change(request, suite, "suite.reauthorize")
        text = ngettext(
            "DingTalk will push the authorisation of %(count)d company again.",
            "DingTalk will push the authorisations of %(count)d companies again.",
            len(corp_ids),
        )
        self.message_user(request, text % {"count": len(corp_ids)}, messages.SUCCESS)

    @display(description=_("active tenants"))
    def active_tenants(self, suite: Suite) -> SafeString:
        """Link to the suite's tenants, with how many are active and how many there are."""
        url = reverse("admin:tenants_tenant_changelist")
        tenants = Tenant.objects.filter(suite=suite)
        counts = (_counted(tenants.filter(state=TenantState.ACTIVE)), _counted(tenants))
        return format_html(
            '<a class="text-link" href="{}?suite__id__exact={}">{} / {}</a>', url, suite.pk, *counts
        )


def _counted(tenants: QuerySet[Tenant]) -> str:
    """Count up to a thousand: a suite may have a million."""
    count = tenants.order_by()[: COUNTED + 1].count()
    return f"{COUNTED}+" if count > COUNTED else str(count)


def _waiting(suite: Suite) -> tuple[UnactiveCorps | None, SafeString | str]:
    """What DingTalk answers, or why it could not be asked."""
    try:
        return suite_operations.find_waiting_companies(suite), ""
    except CANNOT_ASK as error:
        return None, explained_error(str(error), error.code if isinstance(error, ApiError) else "")
