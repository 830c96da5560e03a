"""What operators are told of a path pattern that cannot be used."""

from django.utils.translation import gettext as _

from tenants.proxy.paths import MAX_PATTERNS, UnusablePattern


def what_is_wrong_with(error: UnusablePattern) -> str:
    """Say why a pattern cannot be used, in the operator's language."""
    if error.is_guarded:
        text = _("%(pattern)s is never passed on: tokens, secrets and logins are the portal's own.")
        return text % {"pattern": error.pattern}
    return _(
        "%(pattern)s cannot be used: give paths such as /topapi/v2/user/get, with * for one segment and ** "
        "at the end for all below, at most %(most)s."
    ) % {"pattern": error.pattern, "most": MAX_PATTERNS}
