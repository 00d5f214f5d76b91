"""The steps that flows are made of, one subject a module; each handles a batch."""
