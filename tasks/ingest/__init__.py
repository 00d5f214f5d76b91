"""Rows of sources become complaints and events, or wait in quarantine."""
