"""Readers of files: workbooks, CSV and JSON Lines."""
