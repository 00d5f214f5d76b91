"""Backups: made, checked, restored, and a database copied into another."""
