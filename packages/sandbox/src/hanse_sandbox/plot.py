"""Survival curves drawn with characters, for a terminal."""

from collections.abc import Mapping, Sequence

Curve = Sequence[tuple[float, float]]
"""Steps of a curve: from this time on, this survival (the curve is 1 before the first)."""

MARKS = "●○▲△■□"


def survival_at(curve: Curve, time: float) -> float:
    """Give the survival at a time: that of the last step not after it."""
    survival = 1.0
    for moment, value in curve:
        if moment > time:
            break
        survival = value
    return survival


def draw(curves: Mapping[str, Curve], width: int = 64, height: int = 13, unit: str = "days") -> str:
    """Draw step curves in one frame: survival from 0 to 1 over time from 0 to the last step; legend below."""
    end = max(moment for curve in curves.values() for moment, _ in curve)
    canvas = [[" "] * width for _ in range(height)]
    for mark, curve in zip(MARKS, curves.values(), strict=False):
        for column in range(width):
            survival = survival_at(curve, end * column / (width - 1))
            row = round((1 - survival) * (height - 1))
            canvas[row][column] = mark if canvas[row][column] == " " else "◍"
    lines = [f"{_label(row, height):>5} ┤{''.join(cells).rstrip()}" for row, cells in enumerate(canvas)]
    lines.append(f"{'':5} └{'─' * width}")
    lines.append(f"{'':5}  0{f'{end:.0f} {unit}':>{width - 1}}")
    legend = "   ".join(f"{mark} {name}" for mark, name in zip(MARKS, curves, strict=False))
    return "\n".join([*lines, f"{'':7}{legend}   ◍ both"])


def _label(row: int, height: int) -> str:
    survival = 1 - row / (height - 1)
    return f"{survival:.2f}" if row in (0, height - 1) or row == (height - 1) // 2 else ""
