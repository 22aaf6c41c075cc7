"""Moments as Spark collects them, told in UTC."""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC: Spark's collect gives times without zone, in the zone of this machine."""
    return moment.astimezone(UTC)


def shown(moment: datetime) -> str:
    """To the minute, such as 2026-11-21 18:03; whoever prints it says UTC."""
    return f"{in_utc(moment):%Y-%m-%d %H:%M}"
