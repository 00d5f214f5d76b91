"""Reporting: one set of figures as HTML, PDF, XLSX, JSON and CSV; one format a module."""
