"""Mails: queued in the outbox, composed, rendered and sent; bounces and storms."""
