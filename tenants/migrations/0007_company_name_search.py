"""
An index for parts of company names, without an extension: the pairs of letters in them.

Made of the letters one by one and in pairs, so that a search for a single letter is served as well. Nothing
but PostgreSQL: SQLite, for small installations, reads the names.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FUNCTION = """
CREATE FUNCTION company_name_parts(name text, shortest integer) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(letters, start, size)), '{}')
    FROM upper(name) AS letters, generate_series(shortest, 2) AS size,
        generate_series(1, length(letters) - size + 1) AS start
$$
"""
INDEX = "CREATE INDEX {name} ON tenants_authcorp USING gin (company_name_parts({column}, 1))"
COLUMNS = {"company_name_parts_of_name": "name", "company_name_parts_of_full_name": "full_name"}


def add(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the function and an index for each name."""
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(FUNCTION)
    for name, column in COLUMNS.items():
        editor.execute(INDEX.format(name=name, column=column))


def remove(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Drop them again."""
    if editor.connection.vendor != "postgresql":
        return
    for name in COLUMNS:
        editor.execute(f"DROP INDEX {name}")
    editor.execute("DROP FUNCTION company_name_parts(text, integer)")


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_indexes_for_growth")]

    operations = [migrations.RunPython(add, remove)]
