"""Data classes of which an import or an evaluation makes several for each complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:
    from dataclasses import dataclass

    def value_class(*, frozen: bool, slots: bool = False) -> Any:
        """Make a data class like `dataclass`, but let only the type checker keep it from changes.

        Keeping them off while the program runs takes two thirds of the time of making an object.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value_class"]
