"""What mails told their recipients besides the notices in them."""

__all__ = ["listed_duties"]
