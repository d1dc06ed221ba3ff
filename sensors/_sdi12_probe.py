"""One probe on a wire of SDI-12: the dialogue that makes it measure.

    probe = Sdi12(_sdi12_bus.Bus("P3", "P4", "P8"), "0")
    print(probe.read(), probe.cause)             # (0.24, 21.5, -3.0) None

Written against the SDI-12 specification 1.4 (SDI-12 Support Group), section 4.4.
"""

from micropython import const

from sensors import Sensor, SensorError, _sdi12_probes, _sdi12_text

_REPLIES = const(10)  # D0 to D9
_LATE_MS = const(20)  # clocks differ


class Sdi12(Sensor):
    """One probe at a Bus of sensors/_sdi12_bus.py.

    least: how many values it must give. Where not set otherwise, values come as the probe gives
    them, all of them, and any probe is right.
    """

    expected = None  # must occur in vendor and model
    probe = None  # whose values are converted
    fields = None  # with limits
    awake = None  # deadline: listens from then on

    def __init__(
        self, bus, address="0", command="M", least=1, crc=True, identify=True, timeout_s=200
    ):
        self._bus = bus
        self._address = address
        self._command = command
        self._least = least
        self._crc = crc
        self._identify = identify
        self._timeout_s = timeout_s
        if command[0] == "M":
            self.exclusive = ("sdi12", id(bus))

    def steps(self):
        """Measure: identification, start, waiting, values; once more if that was disturbed."""
        if self.awake is not None:
            yield self.awake.left_ms()
        if self._identify:
            yield from self._recognise()
        try:
            values = yield from self._measure()
        except SensorError as error:
            # The number of values has no checksum: it may have been heard wrongly, too.
            if error.args[0] not in ("not_ready", "crc", "wrong_part"):
                raise
            # There are probes that give up C when another one is spoken to, against the standard.
            if error.args[0] == "not_ready" and self._command[0] == "C":
                self._command = "M" + self._command[1:]
            values = yield from self._measure()
        values = _sdi12_probes.converted(self.probe, values)
        return tuple(values if self.fields is None else self._plausible(values))

    def _recognise(self):
        """Find out whether this is the right probe, and whether it knows checksums."""
        found = yield from self._bus.turn(who_exactly(self._bus, self._address))
        if self.expected is not None and self.expected not in (found.vendor + found.model).upper():
            raise SensorError("wrong_part")
        if found.version < "1.3":
            self._crc = False

    def _measure(self):
        """Steps: return a list of floats, at least as many as there must be."""
        letter = self._command[0]
        if letter == "R":
            values = yield from self._bus.turn(self._values("R", int(self._command[1])))
            if len(values) < self._least:
                raise SensorError("wrong_part" if values else "not_ready")
        elif letter == "M":  # nobody else may say a word until it is over
            values = yield from self._bus.turn(self._measure_alone())
        else:
            seconds, number = yield from self._bus.turn(self._start(2))
            yield seconds * 1000 + _LATE_MS
            values = yield from self._bus.turn(self._collect(number))
        if _sdi12_probes.is_nothing(self.probe, values):
            raise SensorError("not_ready")
        return values

    def _measure_alone(self):
        seconds, number = yield from self._start(1)
        if seconds:
            yield from self._bus.await_request(self._address, seconds * 1000 + _LATE_MS)
        return (yield from self._collect(number))

    def _start(self, digits):
        """Steps: begin to measure; return (seconds it will take at most, number of values)."""
        try:
            seconds, number = yield from self._announced(digits)
        except SensorError as error:
            # It was there a moment ago: does it know no checksums, whatever its version says?
            if error.args[0] != "absent" or not (self._crc and self._identify):
                raise
            self._crc = False
            seconds, number = yield from self._announced(digits)
        if not number:
            raise SensorError("not_ready")
        if number < self._least:
            raise SensorError("wrong_part")
        if seconds > self._timeout_s:
            raise SensorError("busy")
        return seconds, number

    def _announced(self, digits):
        return self._bus.ask(
            self._coded(self._command[0], self._command[1:]), _sdi12_text.START_MOST + digits - 1,
            lambda text: _sdi12_text.start(text, self._address, digits),
        )  # fmt: skip

    def _collect(self, number):
        """Steps: ask for values until all are there or no more come; return them."""
        values = []
        for reply in range(_REPLIES):
            more = yield from self._values("D", reply)
            values += more
            if not more or len(values) >= number:
                break
        if len(values) != number:
            raise SensorError("not_ready" if len(values) < number else "crc")
        return values

    def _values(self, letter, number):
        """Steps: return the values in the reply to D or R."""
        long = letter == "R" or self._command[0] == "C"
        most = _sdi12_text.VALUES_MOST_LONG if long else _sdi12_text.VALUES_MOST
        command = self._coded(letter, str(number))
        if letter == "D":  # has checksums if the command that measured had them
            command = "{}D{}!".format(self._address, number)
        return self._bus.ask(
            command, most + (_sdi12_text.CHECKSUM if self._crc else 0),
            lambda text: _sdi12_text.values(text, self._address, self._crc),
        )  # fmt: skip

    def _coded(self, letter, digit):
        return "{}{}{}{}!".format(self._address, letter, "C" if self._crc else "", digit)

    def _plausible(self, values):
        """The values that have a field, None for those which cannot be."""
        found = []
        for field, value in zip(self.fields, values):
            if field[5] is not None and not field[5] <= value <= field[6]:
                self.cause = "implausible"
                value = None
            found.append(value)
        return found


def who(bus, address):
    """Steps for Bus.turn: return the address of a probe that answers; of any for "?"."""
    return bus.ask(
        address + "!", _sdi12_text.ADDRESS_MOST, lambda text: _sdi12_text.answered(text, address)
    )


def who_exactly(bus, address):
    """Steps for Bus.turn: return the Identification of the probe at an address."""
    return bus.ask(
        address + "I!", _sdi12_text.IDENTIFICATION_MOST,
        lambda text: _sdi12_text.identification(text, address),
    )  # fmt: skip
