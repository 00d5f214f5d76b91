"""What the parts of Tenggat cost: `make bench`, or one part as `python -m bench.intake`."""
