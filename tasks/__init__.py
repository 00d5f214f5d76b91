"""The steps of the flows, one subject for each module; each step handles a batch."""
