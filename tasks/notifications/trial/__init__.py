"""The trial of a site: start and stop, and the digest that shows its mails to the administrator.

`db.decisions.mode` has the state of the site.
"""

__all__ = ["digest", "mode_text", "probe", "readiness", "start"]
