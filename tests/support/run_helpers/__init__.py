"""What helpers of a run do in tests."""
