"""The trial of a site: start and stop, and the digest that shows its mails to the administrator."""

__all__ = ["digest", "mode_text", "start"]
