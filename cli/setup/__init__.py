"""Commands that set up a site: `tenggat init` and `tenggat directory`.

The answers and the workbook become files of the site in `tasks/setup/`.
"""

__all__ = ["directory", "init"]
