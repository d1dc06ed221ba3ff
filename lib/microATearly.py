"""Payload of microATsocket that may go out ahead of its prompt: none that reads as a command.

A modem that refuses the datagram takes what follows for command lines. Only for links that see a
prompt late, as network.LTE does.
"""

# What follows AT: a blank, a basic command or an S register (ITU-T V.250), or a family
_COMMANDS = b" ABCDEFGHIJKLMNOPQRSTUVWXYZ&+!^%$*\\;"


def has_command(payload):
    """True if this modem could take some of it for a command line (ITU-T V.250 5.2).

    That is AT at the start of a line, AT with a command behind whatever precedes, or A/. In the
    packs of nodes the name t often makes "at" of the byte before, without a command behind it.
    """
    line = b""
    for part in payload.split(b"\x08"):  # a backspace takes the character before it
        line = line[:-1] + part
    line = line.replace(b"\0", b"").upper()  # a modem passes over NUL
    place = line.find(b"AT")
    while place >= 0:
        if line[place + 2 : place + 3] in _COMMANDS or _starts_line(line, place):
            return True
        place = line.find(b"AT", place + 1)
    return b"A/" in line


def _starts_line(line, place):
    """True if only blanks and control characters stand between the place and a line's end."""
    while place and line[place - 1] <= 32:
        place -= 1
        if line[place] in b"\r\n":
            return True
    return not place
