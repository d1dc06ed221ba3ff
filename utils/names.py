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


def short_name(unique_id):
    """Return 8 letters, digits, - and _ for the 6 bytes of machine.unique_id(): a base name.

    It is base64url, of the address turned left by two bits: those two are 0 in the address of a
    single device by its manufacturer (IEEE 802), so that a letter or digit comes first, as a name
    demands. Different addresses give different names.
    """
    from ubinascii import b2a_base64

    turned = int.from_bytes(unique_id, "big") << 2
    turned = (turned | turned >> 48) & 0xFFFFFFFFFFFF
    text = b2a_base64(turned.to_bytes(6, "big")).decode()[:8]
    return text.replace("+", "-").replace("/", "_")
