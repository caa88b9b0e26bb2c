"""Quantities: whole cents and whole minutes, and the one way a part of them is taken."""

from typing import NewType

Cents = NewType("Cents", int)
Minutes = NewType("Minutes", int)


def part(whole: int, *, numerator: int, denominator: int) -> int:
    """Return ``whole * numerator / denominator`` in whole units, half a unit rounded up.

    ``whole`` and ``numerator`` are not negative, so "up" is away from zero.
    """
    return (2 * whole * numerator + denominator) // (2 * denominator)


def percentage(whole: int, *, percent: int) -> int:
    """Return ``percent`` hundredths of ``whole`` in whole units, half a unit rounded up."""
    return part(whole, numerator=percent, denominator=100)
