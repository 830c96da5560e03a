"""People, departments and roles of a tenant, for tenant apps: asked of DingTalk at each request."""
