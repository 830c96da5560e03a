"""Admin pages of companies that authorised our suites, and of the apps that act for them."""

from tenants.admin import api_clients, failed_pushes, notifications, suites, tenants, tokens

__all__ = ["api_clients", "failed_pushes", "notifications", "suites", "tenants", "tokens"]
