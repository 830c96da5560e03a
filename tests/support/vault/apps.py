from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "tests.support.vault"
    label = "vault"
    default_auto_field = "django.db.models.BigAutoField"
