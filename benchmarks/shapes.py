"""The runs that are measured: which no-op checks they ask, tier by tier. The same names for every arm."""

from __future__ import annotations

Tiers = tuple[tuple[str, ...], ...]


def _tiers(shape: str, widths: tuple[int, ...]) -> Tiers:
    return tuple(tuple(f"{shape}_{tier}_{place}" for place in range(width)) for tier, width in enumerate(widths))


#: Seven checks in five tiers: the run that the full and light figures are about.
SEVEN = "seven"
#: One tier of few and of many checks: their difference is what a check costs.
NARROW, WIDE = "narrow", "wide"
#: Few and many tiers of one check: their difference is what a tier costs.
SHALLOW, DEEP = "shallow", "deep"
#: The other points of the growth curves.
FIFTY, TWO_HUNDRED = "fifty", "two_hundred"
FIVE_DEEP, TWENTY_DEEP = "five_deep", "twenty_deep"
#: As many checks and tiers as SEVEN, with answers that are kept.
WARM = "warm"
#: As SEVEN, but that its last check says no.
STOPPED = "stopped"
#: One slow check whose answer is kept, so that runs share its execution.
FLIGHT = "flight"

SHAPES: dict[str, Tiers] = {
    SEVEN: _tiers(SEVEN, (2, 2, 1, 1, 1)),
    NARROW: _tiers(NARROW, (10,)),
    WIDE: _tiers(WIDE, (100,)),
    SHALLOW: _tiers(SHALLOW, (1,)),
    DEEP: _tiers(DEEP, (1,) * 10),
    FIFTY: _tiers(FIFTY, (50,)),
    TWO_HUNDRED: _tiers(TWO_HUNDRED, (200,)),
    FIVE_DEEP: _tiers(FIVE_DEEP, (1,) * 5),
    TWENTY_DEEP: _tiers(TWENTY_DEEP, (1,) * 20),
    WARM: _tiers(WARM, (2, 2, 1, 1, 1)),
    STOPPED: _tiers(STOPPED, (2, 2, 1, 1, 1)),
    FLIGHT: _tiers(FLIGHT, (1,)),
}
