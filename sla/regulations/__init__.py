"""The law as data: parsed, checked for mistakes and consistency, and loaded."""
