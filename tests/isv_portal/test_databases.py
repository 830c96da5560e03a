from isv_portal.databases import configured_database, shared_cache, sqlite_database

POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "portal", "CONN_MAX_AGE": None}


def test_the_embedded_database_is_durable_at_each_commit(tmp_path):
    database = sqlite_database(tmp_path)

    assert database["NAME"] == str(tmp_path / "portal.sqlite3")
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]
    assert "synchronous=FULL" in database["OPTIONS"]["init_command"]
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_is_durable_and_ends_what_froze_in_a_transaction():
    options = configured_database(POSTGRESQL)["OPTIONS"]["options"]

    assert "synchronous_commit=on" in options
    assert "idle_in_transaction_session_timeout=10s" in options


def test_no_query_has_helpers_that_read_more_than_is_wanted():
    assert "max_parallel_workers_per_gather=0" in configured_database(POSTGRESQL)["OPTIONS"]["options"]


def test_connections_are_kept():
    assert configured_database(POSTGRESQL)["CONN_MAX_AGE"] is None


def test_what_the_url_says_goes_before_our_options():
    database = configured_database({**POSTGRESQL, "OPTIONS": {"connect_timeout": 9, "sslmode": "require"}})

    assert database["OPTIONS"]["connect_timeout"] == 9
    assert database["OPTIONS"]["sslmode"] == "require"
    assert "options" in database["OPTIONS"]


def test_a_sqlite_url_gets_what_the_embedded_database_has(tmp_path):
    parsed = {"ENGINE": "django.db.backends.sqlite3", "NAME": "other.sqlite3"}

    assert configured_database(parsed)["OPTIONS"] == sqlite_database(tmp_path)["OPTIONS"]


def test_a_cache_that_hangs_costs_less_than_half_a_second():
    options = shared_cache("redis://cache:6379/0")["OPTIONS"]

    assert 0 < options["socket_timeout"] < 0.5
    assert 0 < options["socket_connect_timeout"] < 0.5
