"""
Emptying the tables after a test that commits.

Django truncates every table and then makes permissions and content types anew: on PostgreSQL a third of
such a test's time. Nearly all tables are empty, and deleting nothing is quick; what migrations made stays.
"""

from django.db import connections, transaction
from django.test import TransactionTestCase

_MADE_BY_MIGRATIONS = {"django_content_type", "auth_permission"}


def empty_tables_quickly() -> None:
    """Have tests that commit leave empty tables behind in our way instead of Django's."""
    TransactionTestCase._fixture_teardown = _delete_all_rows


def _delete_all_rows(test: TransactionTestCase) -> None:
    for name in test._databases_names(include_mirrors=False):
        connection = connections[name]
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        with (
            connection.constraint_checks_disabled(),
            transaction.atomic(using=name),
            connection.cursor() as cursor,
        ):
            for table in sorted(tables - _MADE_BY_MIGRATIONS):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
