"""What tenants add to the admin of suites, which knows nothing of them."""

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from dingtalk.admin.suites import SuiteAdmin
from dingtalk.models import Suite
from tenants.models import Tenant, TenantState

admin.site.unregister(Suite)


@admin.register(Suite)
class SuiteWithTenantsAdmin(SuiteAdmin):
    """Suites, with how many companies authorised them."""

    list_display = (*SuiteAdmin.list_display, "active_tenants")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suite]:
        """Count active and all tenants of each suite, in the same query."""
        of_suite = Tenant.objects.filter(suite=OuterRef("pk")).order_by().values("suite")
        active = of_suite.filter(state=TenantState.ACTIVE)
        rows: QuerySet[Suite] = super().get_queryset(request)
        return rows.annotate(
            tenant_count=Subquery(of_suite.annotate(number=Count("pk")).values("number")),
            active_count=Subquery(active.annotate(number=Count("pk")).values("number")),
        )

    @display(description=_("active tenants"))
    def active_tenants(self, suite: Suite) -> SafeString:
        """Link to the suite's tenants."""
        url = reverse("admin:tenants_tenant_changelist")
        counts = (getattr(suite, "active_count", None) or 0, getattr(suite, "tenant_count", None) or 0)
        return format_html(
            '<a class="text-link" href="{}?suite__id__exact={}">{} / {}</a>', url, suite.pk, *counts
        )
