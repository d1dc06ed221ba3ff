"""A model of the large integers of MicroPython 1.11: their division with digits of 16 bits.

    quotient, remainder, added = divided(number, divisor)
    power, added = squared(s, modulus, 17)              # as ota/_rsa.py computes it

The core divides as one does on paper. It estimates a digit of the quotient by the first digit of
the divisor alone, subtracts the product, and adds the divisor again while something is owed. What
is owed is kept in 32 bits (micropython issue 6777, mended in 1.15). If a digit of the product and
what is owed need more, the rest is lost: the result is wrong, and the divisor may be added up to
2 ** 32 times, which takes a computer 80 s. `added` is the most additions for one digit; it is 2 at
most where all is right.

That needs an estimate of 0x10000 or 0x10001 and a digit 0xFFFF of the divisor. Every number is
divided correctly by a modulus without such a digit (ota/_rsa.py).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

BITS = 16
BASE = 1 << BITS
_MASK = BASE - 1
_WORD = (1 << 2 * BITS) - 1  # where the core keeps what is owed


def divided(number: int, divisor: int) -> tuple[int, int, int]:
    """Quotient, remainder, and the most additions for one digit."""
    shift = -divisor.bit_length() % BITS  # the core shifts both until the divisor fills its digits
    number, divisor = number << shift, divisor << shift
    size = divisor.bit_length() // BITS
    digits = [divisor >> at * BITS & _MASK for at in range(size)]
    places = max(-(-number.bit_length() // BITS) - size + 1, 0)
    low = number >> places * BITS  # the digits below the one that the next digit is estimated by
    quotient = most = 0
    for place in range(places - 1, -1, -1):
        window = low << BITS | number >> place * BITS & _MASK
        digit, low, added = _step(window, digits, divisor)
        quotient = quotient << BITS | digit
        most = max(most, added)
    return quotient, low >> shift, most


def _step(window: int, digits: list[int], divisor: int) -> tuple[int, int, int]:
    """One digit of the quotient, what is left of the window, and the additions. The window has
    one digit more than the divisor."""
    wide = len(digits) * BITS
    top, low = window >> wide, window & (1 << wide) - 1
    estimate = (window >> wide - BITS) // digits[-1]
    if estimate < BASE:  # no digit of the product overflows
        left = low - estimate * divisor
        owed, low = -(left >> wide), left & (1 << wide) - 1
    else:
        owed, kept = 0, 0
        for at, digit in enumerate(digits):
            found, product = low >> at * BITS & _MASK, estimate * digit & _WORD
            if product >= found or found - product <= owed:
                owed = owed + product - found & _WORD
                kept |= (-owed & _MASK) << at * BITS
                owed = (owed >> BITS) + (owed & _MASK != 0)
            else:
                kept |= (found - product - owed & _MASK) << at * BITS
                owed = 0
        low = kept
    owed = owed - top & _WORD
    # The least number of additions that carry as often as is owed
    added = -((low - (owed << wide)) // divisor) if owed else 0
    return (estimate - added) & _MASK, low + added * divisor & (1 << wide) - 1, added


def powered(s: int, modulus: int) -> tuple[int, int]:
    """s ** 65537 % modulus as ota/_rsa.py computes it, and the most additions for one digit."""
    power, most = s, 0
    for factor in [None] * 16 + [s]:
        product = power * (power if factor is None else factor)
        _, power, added = divided(product, modulus)
        most = max(most, added)
    return power, most


def hostile(modulus: int, rng: random.Random, count: int) -> Iterator[int]:
    """Numbers below the modulus whose squares try its division.

    After some digits a remainder is left that begins as the modulus does, which makes the next
    estimate 0x10000 or 0x10001; a stretch of its digits is 0, so that more is owed than is there.
    """
    yield from (modulus - 1, modulus - 2, math.isqrt(modulus), math.isqrt(modulus) + 1, 1, 0)
    size = modulus.bit_length() // BITS
    first = modulus >> (size - 1) * BITS
    least = first << (size - 1) * BITS
    if (modulus >> (size - 2) * BITS) & _MASK > first:
        least += (first + 1) << (size - 2) * BITS
    for _ in range(count):
        rest = rng.randrange(least, modulus)
        at = rng.randrange(size - 2) * BITS
        wide = rng.randrange(1, size - 2) * BITS
        rest = max(rest & ~(((1 << wide) - 1) << at), least)
        place = rng.randrange(size // 2, size) * BITS
        quotient = rng.randrange(max((modulus * modulus >> place) // modulus - 1, 1))
        square = (quotient * modulus + rest << place) + rng.getrandbits(place)
        yield (math.isqrt(square) + rng.randrange(2)) % modulus
