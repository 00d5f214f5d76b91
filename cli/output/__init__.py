"""What is printed with Rich: the console, and the output of a simulation.

Rich is loaded only when something is printed with it.
"""

__all__ = ["plain_console", "simulation"]
