"""REST API v1 for tenant apps: `docs/rest-api.md` is its guide."""
