"""IPv4 and IPv6 literals and names of hosts, recognised without a look-up.

from utils import address
address.family("2001:db8::1")    # 10, as microATsocket.AF_INET6
address.family("192.0.2.1")      # 2, as microATsocket.AF_INET
address.family("example.org")    # None
address.is_host("example.org")   # True
address.is_host("192.0.2.256")   # False: neither an address nor a name
"""


def family(host):
    """Return 2 for an IPv4 literal, 10 for an IPv6 one, else None (RFC 791, RFC 4291 2.2)."""
    if isinstance(host, str):
        if _is_ipv4(host):
            return 2
        if _is_ipv6(host):
            return 10
    return None


def is_host(text):
    """True for an IP literal, or a name: labels of letters, digits and hyphens (RFC 1123, 2.1).

    No name ends in a label of digits: it is meant as an IPv4 address.
    """
    if family(text):
        return True
    labels = text.split(".") if isinstance(text, str) else [""]
    return all(map(_is_label, labels)) and not labels[-1].isdigit()


def _is_label(label):
    for character in label:
        if not (
            "a" <= character <= "z"
            or "A" <= character <= "Z"
            or "0" <= character <= "9"
            or character == "-"
        ):
            return False
    return 0 < len(label) < 64 and label[0] != "-" and label[-1] != "-"


def _is_ipv4(host):
    parts = host.split(".")
    for part in parts:
        # some programs read a number with a leading zero as octal, others as decimal
        if not _is_number(part, 10, 255) or len(part) > len(str(int(part))):
            return False
    return len(parts) == 4


def _is_ipv6(host):
    """Eight groups, or fewer with one `::`; the last two may be written as an IPv4 address."""
    halves = host.split("::")
    count = 0
    for half in halves:
        if half:
            groups = half.split(":")
            if half is halves[-1] and _is_ipv4(groups[-1]):
                groups[-1] = "0"
                count += 1
            for group in groups:
                if len(group) > 4 or not _is_number(group, 16, 65535):
                    return False
            count += len(groups)
    return count == 8 if len(halves) == 1 else len(halves) == 2 and count < 8


def _is_number(text, base, most):
    for character in text:
        if character not in "0123456789abcdefABCDEF"[: 10 if base == 10 else 22]:
            return False
    return text != "" and int(text, base) <= most
