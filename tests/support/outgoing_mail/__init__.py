"""Mails that Tenggat sends, and what tests read in them."""
