"""What is printed with Rich: the console, and the output of a simulation."""

__all__ = ["plain_console", "simulation"]
