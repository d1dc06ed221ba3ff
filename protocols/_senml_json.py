"""JSON (RFC 8259) for protocols.senml, with the functions of utils.cbor; loaded when asked for.

Numbers are written from mantissa and exponent, digit by digit, so that no float can round them
and none of NaN and the infinities, which JSON does not have, can come out.
"""

# Names of the labels from -6 on: RFC 8428, table 4
_LABELS = ("bs", "bv", "bu", "bt", "bn", "bver", "n", "u", "v", "vs", "vb", "s", "t", "ut", "vd")
_ZEROS_MOST = 4  # between the point and the first other digit; an exponent is shorter then


def label(value):
    return text(_LABELS[value + 6])


def integer(value):
    return str(value).encode()


def boolean(value):
    return b"true" if value else b"false"


def text(value):
    """A str between quotes; what RFC 8259, section 7 demands is escaped, nothing else."""
    parts = ['"']
    for character in value:
        if character in '"\\':
            parts.append("\\")
        elif character < " ":
            character = "\\u%04x" % ord(character)
        parts.append(character)
    return ("".join(parts) + '"').encode()


def binary(value):
    """Bytes as base64url without padding (RFC 8428, section 5)."""
    from ubinascii import b2a_base64

    encoded = b2a_base64(bytes(value)).decode().strip("=\n")
    return text(encoded.replace("+", "-").replace("/", "_"))


def array(items):
    return b"[" + b",".join(items) + b"]"


def mapping(items):
    """An object from a list of encoded items: key, value, key, value and so on."""
    pairs = [items[i] + b":" + items[i + 1] for i in range(0, len(items), 2)]
    return b"{" + b",".join(pairs) + b"}"


def number(exponent, mantissa):
    """mantissa * 10 ** exponent; 24.20 keeps its zero, which says how finely was measured."""
    if exponent == 0:
        return integer(mantissa)
    digits = str(abs(mantissa))
    if exponent > 0 or -exponent - len(digits) > _ZEROS_MOST:
        return integer(mantissa) + b"e" + integer(exponent)
    digits = "0" * (1 - exponent - len(digits)) + digits
    sign = "-" if mantissa < 0 else ""
    return (sign + digits[:exponent] + "." + digits[exponent:]).encode()
