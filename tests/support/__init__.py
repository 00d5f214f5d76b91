"""Helpers of the tests: servers that misbehave on request, small sites, views of results."""
