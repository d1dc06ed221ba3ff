"""What a user asked for and cannot have."""

from __future__ import annotations


class UsageError(Exception):
    """The collector cannot run as its arguments ask; the text says what is allowed."""
