"""Reporting: one set of metrics as HTML, PDF, XLSX, JSON and CSV; one format a module."""
