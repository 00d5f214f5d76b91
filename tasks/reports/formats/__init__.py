"""Writers of reports, one format a module."""
