"""Bases of the enumerations: numbers a newer library may add are values, not errors."""

from __future__ import annotations

import enum


class OpenInt(enum.IntEnum):
    """An integer enumeration that also holds numbers it has no name for."""

    @classmethod
    def _missing_(cls, value: object) -> OpenInt | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class OpenFlag(enum.IntFlag):
    """Bits; those without a name are kept."""
