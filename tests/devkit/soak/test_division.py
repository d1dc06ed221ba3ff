"""The model of the core's division: wrong where the core was seen to be, and right elsewhere."""

from __future__ import annotations

import random

import pytest

from devkit.release.format import modulus
from devkit.release.keys import is_vetted, rsa_key
from devkit.soak.division import BASE, divided, hostile, powered


def test_the_examples_of_the_issue_are_wrong() -> None:
    """Measured with the core's own code and digits of 16 bits (micropython issue 6777)."""
    number = 2**48 - 1
    assert divided(number * number, number)[0] == 65535
    prime = 2**255 - 19
    _, rest, added = divided((prime - 1) ** 2, prime)
    assert rest != 1
    assert added > 2**31  # 83 s on a computer


@pytest.mark.parametrize("bits", [1, 15, 16, 17, 31, 32, 33, 64, 255])
def test_a_divisor_without_a_digit_of_ones_divides_every_number(bits: int) -> None:
    rng = random.Random(bits)
    tried = 0
    for _ in range(2000):
        divisor = rng.getrandbits(bits) | 1 << bits - 1
        shifted = divisor << -bits % 16
        if any(shifted >> at & 0xFFFF == 0xFFFF for at in range(0, bits + 16, 16)):
            continue
        tried += 1
        for number in (rng.getrandbits(3 * bits), divisor * divisor - 1, divisor, 0):
            quotient, rest, added = divided(number, divisor)
            assert (quotient, rest) == divmod(number, divisor)
            assert added <= 2
    assert tried > 100 or bits == 1


def test_a_vetted_modulus_divides_what_is_chosen_against_it() -> None:
    """The digits are the largest that are allowed, too."""
    largest = sum((BASE - 2) << 16 * at for at in range(192)) - 1
    assert is_vetted(largest.to_bytes(384, "big"))
    for n, count in ((int.from_bytes(modulus(rsa_key()), "big"), 60), (largest, 10)):
        for s in hostile(n, random.Random(1), count):
            quotient, rest, added = divided(s * s, n)
            assert (quotient, rest) == divmod(s * s, n)
            assert added <= 2
    s = 3**1900 % n
    assert powered(s, n)[0] == pow(s, 65537, n)


def test_one_digit_of_ones_in_a_modulus_is_enough_for_a_wrong_square() -> None:
    n = (0x8001C000 << 3040) + (1 << 3039) // 3 | 0xFFFF << 800 | 1
    wrong = [s for s in hostile(n, random.Random(1), 40) if divided(s * s, n)[1] != s * s % n]
    assert len(wrong) > 10
    assert not is_vetted(n.to_bytes(384, "big"))
