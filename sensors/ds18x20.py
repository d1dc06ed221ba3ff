"""Temperature from DS18B20, DS18S20, DS1822 and MAX31850 on a 1-Wire line, one or several.

    from sensors import ds18x20
    temperature = ds18x20.get_reading("P3")                            # 21.4375 Cel
    roms = ds18x20.scan("P3")                                          # ["28ac410e07000074", ...]
    temperature = ds18x20.get_reading("P3", rom="28ac410e07000074")    # that one of several

Wiring: data to any pin that can be an output, with a pull-up of 4.7 kOhm to 3.3 V; supply to 3.3 V
or to `vcc_pin` (1.5 mA for each part that converts). Parts whose supply pin is grounded live on
the data line ("parasite power"): the pin then drives the line high while they convert, which feeds
up to some ten of them.

Several parts on one line are several lines of a configuration, each with its `rom`: all of them
convert at once. Without `rom` the first thermometer that a search finds is read. A reading takes
0.1 s at 9 bit to 0.8 s at 12 bit, as set in the part; up to 1.7 s if it is repeated.

Written against Maxim's data sheets DS18B20 (19-7487), DS18S20 and DS1822 on Pycom firmware
1.20.2.r4. The MAX31850 (a thermocouple; 0.25 Cel) is supported from memory of its data sheet.

After power-on the register holds 85 Cel until a conversion has ended, that of some clones 25 Cel.
Its byte 6 does not tell whether they were measured: genuine parts have 0x0C there after power-on,
clones 0x10 as well or always the same. The conversion is repeated with a mark in the register that
would be lost with the supply. The clones of 25 Cel, which byte 5 tells, do not convert without a
supply of their own. Source: github.com/cpetrich/counterfeit_DS18B20 (families B, D, E).
A clone that keeps its last measurement without a supply (family D1) cannot be found out.

Erratum: parts of die B7 (sold around 2004) may lose their EEPROM and their adjustment at a
power-up and are then off by up to 60 Cel (Maxim application note AN247). This driver writes no
EEPROM.
"""

from micropython import const

from sensors import IO_PINS, Sensor, SensorError, _onewire
from utils import timing

FIELDS = (("t", "temperature", "Cel", -2, 100),)
ARGUMENTS = (
    ("data_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("rom", "text", (16, 16), None),
)
SHARED_PINS = ("data_pin",)  # parts on one line have a `rom` each
POWER_UP_MS = 5

last_cause = None

_CONVERT = b"\x44"
_READ_SCRATCHPAD = b"\xbe"
_WRITE_SCRATCHPAD = b"\x4e"
_RECALL = b"\xb8"
_READ_SUPPLY = b"\xb4"

_DS18S20 = const(0x10)
_MAX31850 = const(0x3B)
_WITH_SETTING = (0x28, 0x22)  # of the resolution, in register 4
_FAMILIES = _WITH_SETTING + (_DS18S20, _MAX31850)
_FAMILY_TEXT = "16 hex digits that begin with 28, 10, 22 or 3b and end in their checksum"

_COUNTS_PER_CEL = const(16)  # in register 7 of a DS18S20
_START_OF_CLONES = b"\x90\x01"  # 25 Cel

_SCRATCHPAD_BYTES = const(9)
_CONVERSION_MS = const(750)  # at 12 bit; half as long for each bit less
_OVERDUE_MS = const(100)
_POLL_MS = const(10)
_RETRY_MS = const(20)


def get_reading(data_pin, vcc_pin=None, rom=None):
    """Return the temperature in Cel, a float, or None if there is none.

    data_pin, vcc_pin: pin names such as "P3"; with `vcc_pin` the supply is switched on before and
    off after. rom: which of several parts, 16 hex digits as `scan` returns them; None: the first
    thermometer found. Blocks for 0.1 to 0.8 s, 1.8 s at most. Raises ValueError for arguments that
    cannot be; `last_cause` says why the value is None.
    """
    global last_cause
    import sensors

    given = {"data_pin": data_pin, "vcc_pin": vcc_pin, "rom": rom}
    values, last_cause = sensors.take("ds18x20", given)
    return values[0]


def scan(data_pin, vcc_pin=None):
    """Return the ROMs of all parts on the line as strings of 16 hex digits, thermometers or not.

    The list is empty if there is none or the line is in trouble: `last_cause` then says why.
    Takes 15 ms for each part. Raises ValueError for pins that cannot be used.
    """
    global last_cause
    from machine import Pin
    from ubinascii import hexlify

    import sensors

    sensors.require(ARGUMENTS[:2], {"data_pin": data_pin, "vcc_pin": vcc_pin})
    roms = []
    last_cause = None
    try:
        sensors.set_sensor_power_on(vcc_pin, POWER_UP_MS + 1)
        bus = _onewire.Bus(Pin(data_pin))
        try:
            roms = _attempt(bus.search)
        finally:
            bus.deinit()
    except SensorError as error:
        last_cause = error.args[0]
    except OSError:
        last_cause = "failed"
    finally:
        sensors.set_sensor_power_off(vcc_pin)
    return [hexlify(rom).decode() for rom in roms]


def problems(given):
    """What ARGUMENTS cannot say of the arguments: a list of texts."""
    rom = given.get("rom")
    if rom is None or _rom_of(rom) is not None:
        return []
    return ["rom = {!r}; allowed: {}".format(rom, _FAMILY_TEXT)]


def build(rig, data_pin, vcc_pin=None, rom=None):
    """The sensor for these arguments, on a line that the run shares."""
    from machine import Pin

    def make():
        return Line(_onewire.Bus(Pin(data_pin)))

    line = rig.share(("ds18x20", data_pin), make)
    return Ds18x20(line.bus, None if rom is None else _rom_of(rom), line)


class Line:
    """What the sensors of one run have in common: the bus, and one conversion for all."""

    def __init__(self, bus):
        self.bus = bus
        self.roms = []  # of those that are to be read
        self._converted = False

    def deinit(self):
        self.bus.deinit()

    def convert(self):
        """Steps of the conversion, at the first call of them."""
        if not self._converted:
            yield from _convert(self.bus, self.roms)
            self._converted = True


class Ds18x20(Sensor):
    """One part on `bus`, a sensors._onewire.Bus.

    rom: its 8 bytes; None for the first that is found. line: shared by the sensors of a run, so
    that they convert together; without one each measurement has its own conversion.
    """

    def __init__(self, bus, rom=None, line=None):
        self.exclusive = ("1-wire", id(bus))
        self._bus = bus
        self._rom = rom
        self._line = line
        if line is not None and rom is not None:
            line.roms.append(rom)

    def steps(self):
        bus = self._bus
        rom = self._rom
        if rom is None:
            rom = yield from _retried(_first, bus)
        line = self._line or Line(bus)
        if rom not in line.roms:
            line.roms.append(rom)
        yield from line.convert()
        scratchpad = yield from _retried(_scratchpad, bus, rom)
        if _may_be_unconverted(rom, scratchpad):
            scratchpad = yield from self._converted_for_sure(rom, scratchpad)
        return (_celsius(rom, scratchpad),)

    def _converted_for_sure(self, rom, scratchpad):
        """Convert once more, with a mark that does not outlive a loss of the supply.

        A MAX31850 has no register to be marked and ignores that: its second answer must differ.
        """
        bus = self._bus
        if scratchpad[:2] == _START_OF_CLONES and (yield from _retried(_needs_feeding, bus, rom)):
            raise SensorError("implausible")
        high, low, setting = scratchpad[2:5]
        mark = high ^ 0xFF
        count = 3 if rom[0] == _DS18S20 else 4
        bus.select(rom)
        bus.write((_WRITE_SCRATCHPAD + bytes((mark, low, setting)))[:count])
        yield from _convert(bus, (rom,), rom)
        scratchpad = yield from _retried(_scratchpad, bus, rom)
        if _may_be_unconverted(rom, scratchpad) and scratchpad[2] != mark:
            raise SensorError("implausible")
        bus.select(rom)
        bus.write(_RECALL)
        return scratchpad


def _convert(bus, roms, rom=None):
    """Steps of a conversion of the part `rom`, or of all parts, those in `roms` to be read."""
    bus_power = yield from _retried(_needs_feeding, bus)
    bus.select(rom)
    if bus_power:
        wait_ms = max([_retrying_duration(bus, each) for each in roms])
        bus.select(rom)
        bus.write(_CONVERT, True)
        try:
            yield wait_ms
        finally:
            bus.release()
        return
    bus.write(_CONVERT)
    if bus.read_bit():  # it does not tell that it is busy: nothing but the time is certain
        yield _CONVERSION_MS
        return
    deadline = timing.Deadline(_CONVERSION_MS + _OVERDUE_MS)
    while True:
        yield _POLL_MS
        late = deadline.expired()
        if bus.read_bit():
            return
        if late:
            bus.reset()  # "stuck" if the line is held down
            raise SensorError("busy")


def _needs_feeding(bus, rom=None):
    """True if this part, or any part on the line, has no supply of its own."""
    bus.select(rom)
    bus.write(_READ_SUPPLY)
    return not bus.read_bit()


def _retrying_duration(bus, rom):
    """How long the part takes at most, in ms, by the resolution that it is set to."""
    try:
        return _duration_ms(rom, _attempt(_scratchpad, bus, rom))
    except SensorError:  # told when it is to be read
        return _CONVERSION_MS


def _duration_ms(rom, scratchpad):
    if rom[0] in (_DS18S20, _MAX31850) or _is_of_clones(scratchpad):
        return _CONVERSION_MS
    return (_CONVERSION_MS >> (3 - (scratchpad[4] >> 5 & 3))) + 1


def _first(bus):
    """The ROM of the first thermometer that a search finds."""
    found = bus.search(1)
    if found and found[0][0] not in _FAMILIES:
        found = bus.search()
    if not found:
        raise SensorError("absent")
    for rom in found:
        if rom[0] in _FAMILIES:
            return rom
    raise SensorError("wrong_part")


def _scratchpad(bus, rom):
    bus.select(rom)
    bus.write(_READ_SCRATCHPAD)
    data = bus.read(_SCRATCHPAD_BYTES)
    if data == b"\xff" * _SCRATCHPAD_BYTES:  # others are there, but not this one
        raise SensorError("absent")
    if not any(data):  # has a right checksum, but is what a held line reads
        raise SensorError("stuck")
    # an answer that slipped by some bits has a right checksum as well: what is fixed tells it
    if _onewire.crc8(data) or rom[0] in _WITH_SETTING and data[4] & 0x9F != 0x1F:
        raise SensorError("crc")
    return data


def _may_be_unconverted(rom, scratchpad):
    """True if the register has the temperature that it has after power-on."""
    if rom[0] == _MAX31850:  # which also tells how warm itself is: hardly exactly 0 as well
        return not any(scratchpad[:4])
    if rom[0] == _DS18S20:  # byte 6 is a part of the temperature
        return scratchpad[:2] == b"\xaa\x00" and scratchpad[6] == 0x0C
    start = scratchpad[:2]
    return start == b"\x50\x05" or start == _START_OF_CLONES and _is_of_clones(scratchpad)


def _is_of_clones(scratchpad):
    """True for clones that have 25 Cel after power-on and take 0.5 s at any resolution."""
    return scratchpad[5] != 0xFF  # register 7 is another with further clones, too


def _celsius(rom, scratchpad):
    """The temperature; SensorError("implausible") if the part cannot have measured it."""
    raw = scratchpad[0] | scratchpad[1] << 8
    if raw & 0x8000:
        raw -= 0x10000
    least, greatest = -55, 125
    if rom[0] == _DS18S20:
        if scratchpad[7] != _COUNTS_PER_CEL:
            raise SensorError("implausible")
        # half degrees, and a counter that tells how far it is to the next one
        value = (raw >> 1) - 0.25 + (_COUNTS_PER_CEL - scratchpad[6]) / _COUNTS_PER_CEL
    elif rom[0] == _MAX31850:
        if raw & 1:  # thermocouple open or shorted
            raise SensorError("implausible")
        least, greatest = -270, 1800
        value = (raw & ~3) / 16
    else:
        # below 12 bit the lowest bits mean nothing
        value = (raw & ~((1 << (3 - (scratchpad[4] >> 5 & 3))) - 1)) / 16
    if not least <= value <= greatest:
        raise SensorError("implausible")
    return value


def _rom_of(text):
    """The 8 bytes of a thermometer's ROM written in hex, None if it is none."""
    from ubinascii import unhexlify

    try:
        rom = unhexlify(text)
    except ValueError:
        return None
    if len(rom) != _onewire.ROM_BYTES or rom[0] not in _FAMILIES or _onewire.crc8(rom):
        return None
    return rom


def _attempt(action, *args):
    """Call, and once more at once if that failed."""
    try:
        return action(*args)
    except SensorError as error:
        if error.args[0] == "stuck":
            raise
    return action(*args)


def _retried(action, *args):
    """Steps: call, and once more after a pause if that failed."""
    try:
        return action(*args)
    except SensorError as error:
        if error.args[0] == "stuck":
            raise
    yield _RETRY_MS
    return action(*args)
