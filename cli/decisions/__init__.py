"""Commands by which the people of a site decide, and what they look at before.

`start` and `stop` change its mode, `law` confirms rules, and a preview shows the next mails.
"""

__all__ = ["law", "mode", "preview"]
