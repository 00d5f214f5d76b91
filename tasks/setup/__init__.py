"""Set up a site: units proposed from names, the directory as a workbook, the files of a new site.

The vocabulary of names and the layout of the workbook are internal.
"""

__all__ = ["new_site", "unit_proposal", "workbook_reader", "workbook_writer"]
