"""How dark a cell of a heat map is: from 0 (white) to `DARKEST`, readable without colours."""

from __future__ import annotations

from sla.metrics.definitions import is_small
from sla.metrics.table import Cell, Table

DARKEST = 4

SHARE_STEPS = (0.5, 0.7, 0.85, 1.0)
"""A share below the first is darkest; from the last on it is white."""


def most_of(table: Table) -> int:
    """Return the largest count in the columns of days; 0 in a table without them."""
    return max(
        (
            cell
            for row in table.rows
            for column, cell in zip(table.columns, row.cells, strict=True)
            if column.of == "day" and isinstance(cell, int)
        ),
        default=0,
    )


def heat_of_count(cell: Cell, most: int) -> int:
    """Return how dark a count is compared with the largest one."""
    return -(-cell * DARKEST // most) if isinstance(cell, int) and cell and most else 0


def heat_of_share(cell: Cell, of: int) -> int:
    """Return how dark a share on time of so many duties is: the lower, the darker.

    A share of a small number is white: it is not fit for comparison.
    """
    if not isinstance(cell, int | float) or is_small(of):
        return 0
    return sum(cell < step for step in SHARE_STEPS)
