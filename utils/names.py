"""Names that can stand in a report: letters, digits and a few characters (RFC 8428, 4.5.1).

from utils import names
names.is_name("field-7")    # True
names.is_name("-7")         # False: a letter or digit comes first
"""

MARKS = "-:./_"  # allowed beside letters and digits, but not in front


def is_name(text):
    """True for a str of letters, digits and MARKS that begins with a letter or digit."""
    if not isinstance(text, str) or text[:1] in MARKS:  # the empty text is in every text
        return False
    for character in text:
        if not (
            "a" <= character <= "z"
            or "A" <= character <= "Z"
            or "0" <= character <= "9"
            or character in MARKS
        ):
            return False
    return True
