"""How Si7021, Si7006, HTU21D and SHT20 differ: times, registers, identities, currents.

Sources: Silicon Labs Si7021-A20 data sheet rev. 1.1 (tables 2 and 11, sections 5.1 to 5.5), TE
HTU21D(F) data sheet, Sensirion SHT20 data sheet v3 (tables 6 to 8). From memory, not looked up
again: typical times and current of the HTU21D, the identities of HTU21D and SHT20. That the SHT21
has none is from Klipper3d/klipper issue 5664.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from emulator.chips.part import Span

TEMPERATURE_BITS = (14, 12, 13, 11)  # by resolution code
HUMIDITY_BITS = (12, 8, 10, 11)


@dataclass(frozen=True)
class Model:
    """One kind of chip. Times are in ms; those of conversions by resolution code.

    The resolution code is the number that bits 7 and 0 of the user register make: 0 for humidity
    of 12 and temperature of 14 bits, 1 for 8 and 12, 2 for 10 and 13, 3 for 11 and 11.
    """

    identity: bytes  # SNB3 to SNB0; none: it does not know the question
    temperature_ms: tuple[Span, Span, Span, Span]
    humidity_ms: tuple[Span, Span, Span, Span]
    standby_ma: float
    temperature_ma: float
    humidity_ma: float
    user_register: int = 0x02  # value after power-on
    writable: int = 0x87  # its bits that a write changes
    supply_low_mv: int = 2250  # bit 6 is set below
    power_up_ms: Span = (10, 15)
    reset_ms: Span = (5, 15)
    temperature_with_humidity: bool = False  # (E0) a humidity conversion includes it
    heater_levels: bool = False  # commands 11 and 51
    heater_survives_reset: bool = False
    firmware_revision: int | None = None  # command 84 B8


MODELS = {
    "si7021": Model(
        identity=bytes((0x15, 0xFF, 0xFF, 0xFF)),
        user_register=0x3A,
        writable=0x85,
        supply_low_mv=1900,
        power_up_ms=(18, 25),  # at 25 Cel; 80 at the ends of the temperature range
        temperature_ms=((7, 10.8), (2.4, 3.8), (4, 6.2), (1.5, 2.4)),
        humidity_ms=((10, 12), (2.6, 3.1), (3.7, 4.5), (5.8, 7)),
        temperature_with_humidity=True,
        heater_levels=True,
        firmware_revision=0x20,
        standby_ma=0.00006,
        temperature_ma=0.090,
        humidity_ma=0.150,
    ),
    "htu21d": Model(
        identity=bytes((0x32, 0x00, 0x00, 0x00)),
        temperature_ms=((44, 50), (11, 13), (22, 25), (6, 7)),
        humidity_ms=((14, 16), (2, 3), (4, 5), (7, 8)),
        standby_ma=0.00002,
        temperature_ma=0.450,
        humidity_ma=0.450,
    ),
    "sht20": Model(
        identity=bytes((0x48, 0x00, 0x54, 0x00)),
        temperature_ms=((66, 85), (17, 22), (33, 43), (9, 11)),
        humidity_ms=((22, 29), (3, 4), (7, 9), (12, 15)),
        heater_survives_reset=True,
        standby_ma=0.00015,
        temperature_ma=0.300,
        humidity_ma=0.300,
    ),
}
MODELS["si7006"] = replace(MODELS["si7021"], identity=bytes((0x06, 0xFF, 0xFF, 0xFF)))
MODELS["sht21"] = replace(MODELS["sht20"], identity=b"")
