"""Read workbooks in a process of their own, with limits of memory and time.

`child` is this process. It starts for each workbook, so the modules here import little.
"""

__all__ = ["child", "covered", "formats", "limits", "xls_parts"]
