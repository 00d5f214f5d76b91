"""Replays the past under proposed rules or settings: what would have been sent."""
