"""Probes that speak SDI-12: soil moisture, sap flow, weather; several on one wire.

    from sensors import sdi12
    moisture, temperature, conductivity = sdi12.get_reading("P3", "P4", "P8", probe="teros12")
    print(sdi12.scan("P3", "P4", "P8"))                # ["0", "3"]

Wiring: a transceiver between the UART (`drv_in_pin` transmits, `rcv_out_pin` receives) and the
data wire, with levels turned over (a mark is 0 V, a space 5 V); `direction_pin` is 1 to send. The
probe's 12 V may come over a switch at `vcc_pin`. UART 1 serves one wire; the other is the console.

What a probe measures is declared in a line of the configuration, either by the name of a known
one (sensors/_sdi12_probes.py) or by listing its values:

    ("sdi12", {"drv_in_pin": "P3", "rcv_out_pin": "P4", "direction_pin": "P8",
               "address": "1", "values": "p:hPa:1 t:Cel:2", "command": "M1"})

M commands have the wire for themselves and end as soon as the probe says so. With C commands all
probes of a wire measure at once, each for the time that it has announced, at its end.

A reading takes 0.3 s to find out who is there (unless `identify` is False), 0.15 s to start, the
time the probe needs, and 0.1 to 0.8 s for each reply with values.

Written against the SDI-12 specification 1.4 (SDI-12 Support Group), on Pycom firmware 1.20.2.r4.
"""

from micropython import const

# the bus, too: loaded when the measurement begins, it would keep the probes powered meanwhile
from sensors import ADC_PINS, IO_PINS, Sensor, SensorError, _sdi12_bus, _sdi12_probes, _sdi12_text
from sensors._sdi12_probe import Sdi12, who, who_exactly
from utils import timing

ADDRESSES = _sdi12_text.ADDRESSES
# The commands that measure, without address, checksum and end
COMMANDS = tuple(
    [letter + digit for letter in "MC" for digit in ("",) + tuple("123456789")]
    + ["R" + digit for digit in _sdi12_text.DIGITS]
)
FIELDS = tuple([field[:5] for field in _sdi12_probes.PROBES["teros12"][3]])
ARGUMENTS = (
    ("drv_in_pin", "choice", IO_PINS),
    ("rcv_out_pin", "choice", IO_PINS + ADC_PINS[:6]),
    ("direction_pin", "choice", IO_PINS, None),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", tuple(ADDRESSES), "0"),
    ("probe", "choice", _sdi12_probes.NAMES, None),
    ("values", "text", (3, 400), None),
    ("count", "integer", (1, 20), None),
    ("command", "choice", COMMANDS, None),
    ("crc", "choice", (True, False), True),
    ("identify", "choice", (True, False), True),
    ("settle_ms", "integer", (0, 60000), None),
    ("timeout_s", "integer", (1, 999), 200),
)
SHARED_PINS = ("drv_in_pin", "rcv_out_pin", "direction_pin")

LONGEST_S = 40000  # twenty probes on a wire, one after the other, each twice the longest
last_cause = None

_SETTLE_MS = const(1000)  # of a probe that is not known
_ADDRESS_CHANGE_MS = const(1000)  # a probe that changes its address may be deaf for so long


def get_reading(
    drv_in_pin, rcv_out_pin, direction_pin=None, vcc_pin=None, address="0", probe=None,
    values=None, count=None, command=None, crc=True, identify=True, settle_ms=None, timeout_s=200,
):  # fmt: skip
    """Return the values of one probe as a tuple of floats, None for what failed.

    probe, values: what there is to measure, one of both. probe: a name of _sdi12_probes.PROBES;
        moisture comes in %, temperature in Cel, conductivity in uS/cm, sap flow in l/h, velocities
        in cm/h. values: "label:unit:decimals ..." in the order of the probe, as it gives them.
    count: of depths, for probes with one value for each. command: of COMMANDS, else the probe's
        usual one. address: one character. settle_ms: from power-on to the first command.
    crc: ask for checksums; a probe older than version 1.3 of the standard is spared it.
    identify: ask first who is there, and refuse another maker's probe or model.
    timeout_s: a probe that wants longer is left alone.
    Blocks for a second or so and the time of the probe; 1 s if there is none.
    Raises ValueError for arguments that cannot be; `last_cause` says why a value is None.
    """
    global last_cause
    import sensors

    given = {
        "drv_in_pin": drv_in_pin, "rcv_out_pin": rcv_out_pin, "direction_pin": direction_pin,
        "vcc_pin": vcc_pin, "address": address, "probe": probe, "values": values, "count": count,
        "command": command, "crc": crc, "identify": identify, "settle_ms": settle_ms,
        "timeout_s": timeout_s,
    }  # fmt: skip
    found, last_cause = sensors.take("sdi12", given)
    return found


def problems(given):
    """Return a text if the arguments do not tell what is measured."""
    try:
        fields(given)
    except ValueError as error:
        return [error.args[0]]
    return []


def fields(given):
    """Return the FIELDS for these arguments. ValueError as `problems` tells."""
    found = _sdi12_probes.fields(given.get("probe"), given.get("values"), given.get("count"))
    return tuple([field[:5] for field in found])


def build(
    rig, drv_in_pin, rcv_out_pin, direction_pin=None, vcc_pin=None, address="0", probe=None,
    values=None, count=None, command=None, crc=True, identify=True, settle_ms=None, timeout_s=200,
):  # fmt: skip
    """The sensor for these arguments, on the wire that `rig` holds."""
    expected, usual, wakes_ms = None, "M", _SETTLE_MS
    if probe is not None:
        expected, usual, wakes_ms = _sdi12_probes.PROBES[probe][:3]
    if settle_ms is None:
        settle_ms = wakes_ms
    sensor = Sdi12(
        _bus(rig, drv_in_pin, rcv_out_pin, direction_pin), address, command or usual,
        len(fields({"probe": probe, "values": values, "count": count})), crc, identify, timeout_s,
    )  # fmt: skip
    sensor.expected = expected
    sensor.probe = probe
    sensor.fields = _sdi12_probes.fields(probe, values, count)
    sensor.awake = timing.Deadline(settle_ms if vcc_pin is not None else 0)
    return sensor


def _bus(rig, drv_in_pin, rcv_out_pin, direction_pin):
    """The wire on these pins; all probes of a run share it."""

    def make():
        return _sdi12_bus.Bus(drv_in_pin, rcv_out_pin, direction_pin)

    return rig.share(("sdi12", drv_in_pin, rcv_out_pin, direction_pin), make)


# For the workbench


def discover(drv_in_pin, rcv_out_pin, direction_pin=None, vcc_pin=None, settle_ms=_SETTLE_MS):
    """Return the address of the only probe on a wire, None if none answers or several garble.

    Two probes may answer so much alike that one address is read: `scan` is sure, this is quick.
    """
    return _at_work(
        (drv_in_pin, rcv_out_pin, direction_pin), vcc_pin, settle_ms, lambda bus: who(bus, "?")
    )


def scan(
    drv_in_pin, rcv_out_pin, direction_pin=None, vcc_pin=None, settle_ms=_SETTLE_MS,
    addresses=ADDRESSES,
):  # fmt: skip
    """Return a list of those `addresses` at which a probe answers. Takes 0.4 s for each without.

    addresses: a text of them, by default all 62.
    """

    def dialogue(bus):
        found = []
        for address in addresses:
            try:
                found.append((yield from who(bus, address)))
            except SensorError as error:
                if error.args[0] == "stuck":
                    raise
                if error.args[0] == "crc":  # several have this one
                    found.append(address)
        return found

    for address in addresses:
        _require_address("addresses", address)
    pins = drv_in_pin, rcv_out_pin, direction_pin
    return _at_work(pins, vcc_pin, settle_ms, dialogue) or []


def identify(
    drv_in_pin, rcv_out_pin, direction_pin=None, vcc_pin=None, address="0", settle_ms=_SETTLE_MS
):
    """Return the Identification(address, version, vendor, model, firmware, optional) or None."""
    _require_address("address", address)
    pins = drv_in_pin, rcv_out_pin, direction_pin
    return _at_work(pins, vcc_pin, settle_ms, lambda bus: who_exactly(bus, address))


def change_address(
    drv_in_pin, rcv_out_pin, direction_pin, vcc_pin, address, new, settle_ms=_SETTLE_MS
):
    """Give the probe at `address` the address `new`; True if it answers there afterwards.

    Refuses (False, cause "wrong_part") if another probe has it already: nothing could tell the two
    apart any more. The probe keeps its address without supply.
    """

    def dialogue(bus):
        try:
            yield from who(bus, new)
        except SensorError as error:
            if error.args[0] != "absent":
                raise
        else:
            raise SensorError("wrong_part")
        command = "{}A{}!".format(address, new)
        try:
            yield from bus.ask(
                command, _sdi12_text.ADDRESS_MOST, lambda text: _sdi12_text.answered(text, new)
            )
        except SensorError:  # its answer may be lost, and it has no longer the address asked for
            pass
        yield _ADDRESS_CHANGE_MS
        yield from who(bus, new)
        return True

    _require_address("address", address)
    _require_address("new", new)
    pins = drv_in_pin, rcv_out_pin, direction_pin
    return _at_work(pins, vcc_pin, settle_ms, dialogue) or False


def _require_address(name, address):
    if not isinstance(address, str) or len(address) != 1 or address not in ADDRESSES:
        from utils import configuration

        configuration.refuse(name, address, "one of " + ADDRESSES)


def _at_work(pins, vcc_pin, settle_ms, dialogue):
    """Power the wire, go through the steps dialogue(bus), give all back; None if they failed."""
    global last_cause
    import sensors

    given = {"vcc_pin": vcc_pin, "settle_ms": settle_ms}
    given.update(zip(("drv_in_pin", "rcv_out_pin", "direction_pin"), pins))
    sensors.require(ARGUMENTS, given)
    last_cause = None
    try:
        sensors.set_sensor_power_on(vcc_pin, settle_ms)
        bus = _sdi12_bus.Bus(*pins)
        try:
            work = _Work(bus.turn(dialogue(bus)))
            found = work.read()
            last_cause = work.cause
            return found
        finally:
            bus.deinit()
    except OSError:
        last_cause = "failed"
    finally:
        sensors.set_sensor_power_off(vcc_pin)


class _Work(Sensor):
    """Steps that are no measurement."""

    def __init__(self, steps):
        self._steps = steps

    def steps(self):
        return self._steps
