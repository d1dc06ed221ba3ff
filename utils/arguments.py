"""Arguments: the ValueError for a wrong one, and what a right one looks like."""

TEXT = "%s = %r; allowed: %s"


def refuse(name, value, allowed):
    """Raise the ValueError that names an argument, its value and the allowed values."""
    raise ValueError(TEXT % (name, value, allowed))


def is_integer(value, least, most):
    """True for an int within the limits; a bool is not an int here."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_plain(text):
    """True if `text` can stand between quotes in an AT command: ASCII without quote or \\."""
    for character in text:
        if not " " <= character <= "~" or character in '"\\':
            return False
    return True
