"""Runs `tenggat` as `python -m cli`, the way in which the service starts commands."""

from cli import main

if __name__ == "__main__":
    main()
