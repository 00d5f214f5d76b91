"""Learn: a mapping proposed from a file that nobody has mapped yet."""
