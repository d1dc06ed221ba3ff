"""The buses and supplies of a run of measurements, and the turns of its sensors.

    [(values, cause)] = _rig.carry_out([_rig.Job("si7021", module, arguments)])

All supplies are switched on together. Each sensor then goes through its steps. While one waits,
the others go on: a run takes as long as its slowest sensor. A supply is switched off when the last
sensor on it is done. All supplies and buses are released at the end, on every path.
"""

from micropython import const

from sensors import Sensor, SensorError, _lines, set_sensor_power_off, set_sensor_power_on
from utils import logging, timing

_HUNG_MS = const(4000)  # the firmware waits 5 s or more for a hung transfer
_LATE_MS = const(100)
_LONGEST_S = const(120)  # of a module without LONGEST_S; settings may ask for a minute
_LONGEST_CAUSE = const(20)  # a status record has to fit into the smallest message


def carry_out(jobs, meanwhile=None):
    """Measure with all jobs at once; return one (values, cause) for each, in their order.

    values: a tuple as long as the sensor's fields, None for failed ones; cause: why, or None.
    meanwhile: an iterator, of which a step is taken in each wait until one makes a sensor late, or
        None.
    """
    rig = Rig()
    waiting = list(jobs)
    try:
        for job in jobs:
            rig.power(job.supply)
        for job in jobs:
            job.begin(rig)
        while waiting:
            job = _next(waiting)
            if meanwhile and job.due_ms > timing.now_ms():
                meanwhile = _advanced(meanwhile)
                if timing.now_ms() - job.due_ms > _LATE_MS:  # a supply may be on meanwhile
                    meanwhile = None
                continue
            timing.sleep_ms(job.due_ms - timing.now_ms())
            if rig.hangs(job.bus):
                job.fail("stuck")
            elif job.overdue():
                job.fail("busy")
            elif not job.step():
                continue
            if job.hung:
                rig.hung.append(job.bus)
            waiting.remove(job)
            rig.release(job.supply)
    finally:
        rig.close()
    return [(job.values, job.cause) for job in jobs]


class Job:
    """One sensor of a run: its arguments, its progress and its result.

    title: its name in the log. module, arguments: of the sensor, see sensors/__init__.py.
    index, mark: mark(index) is called before each step.
    """

    def __init__(self, title, module, arguments, index=0, mark=None):
        self.supply = arguments.get("vcc_pin")
        self.bus = arguments.get("sda_pin"), arguments.get("scl_pin")
        self.due_ms = 0  # on the scale of timing.now_ms
        self.hung = False  # its bus did not react
        self.values = ()
        self.cause = None
        self._title = title
        self._index = index
        self._mark = mark
        self._module = module
        self._arguments = arguments
        self._sensor = None
        self._steps = None
        self._end_ms = None  # its deadline; unknown before its first step
        address = _lines.address_of(module, arguments)
        self._chip = None if address is None else self.bus + (address,)

    def exclusive(self):
        """Return the key that no two jobs may use at once: the sensor's, or its I2C address."""
        key = getattr(self._sensor, "exclusive", None)
        return self._chip if key is None else key

    def overdue(self):
        """True if its steps take longer than allowed. The watchdog cannot tell: waits feed it."""
        if self._end_ms is None:
            longest_s = getattr(self._module, "LONGEST_S", _LONGEST_S)
            self._end_ms = timing.now_ms() + 1000 * longest_s
        return timing.now_ms() >= self._end_ms

    def begin(self, rig):
        """Make the sensor. Its first step is due POWER_UP_MS after its supply was switched on."""
        if self._mark:
            self._mark(self._index)
        module = self._module
        self.due_ms = timing.now_ms()
        if self.supply is not None:
            self.due_ms += getattr(module, "POWER_UP_MS", 0) + 1
        try:
            if hasattr(module, "build"):
                self._sensor = module.build(rig, **self._arguments)
            else:
                self._sensor = _Whole(module, self._arguments)
            self._steps = self._sensor.steps()
        except Exception as error:  # noqa: BLE001 - raised again at its first step
            self._steps = _failing(error)

    def step(self):
        """Take the next step; True if it was the last one."""
        if self._mark:
            self._mark(self._index)
        watch = timing.Stopwatch()
        try:
            # one more, since now_ms rounds down to whole milliseconds
            wait_ms = int(next(self._steps) or -1) + 1
            self.due_ms = min(timing.now_ms() + wait_ms, self._end_ms)
            return False
        except StopIteration as end:
            self._end(end.args[0] if end.args else None, self._sensor.cause)
        except SensorError as error:
            cause = error.args[0] if error.args else "failed"
            self.hung = cause == "stuck" and watch.elapsed_ms() >= _HUNG_MS
            self._end(None, cause)
        except OSError:  # the firmware gave no bus, or refused something else
            self._end(None, "failed")
        except Exception as error:  # noqa: BLE001 - a driver's mistake costs its own values only
            logging.Logger("sensors").exception(error, "%s: failed", self._title)
            self._end(None, "failed", told=True)
        return True

    def fail(self, cause):
        """End the job with this cause."""
        try:
            self._steps.close()
        except Exception as error:  # noqa: BLE001 - as in its other steps
            logging.Logger("sensors").exception(error, "%s: not ended", self._title)
        self._end(None, cause)

    def _end(self, values, cause, told=False):
        """Store the values, cut or filled up with None to the number of fields."""
        module = self._module
        count = len(module.fields(self._arguments) if hasattr(module, "fields") else module.FIELDS)
        values = tuple(values) if isinstance(values, (tuple, list)) else (values,)
        self.values = (values + (None,) * count)[:count]
        self.cause = None
        if None in self.values:
            good = isinstance(cause, str) and 0 < len(cause) <= _LONGEST_CAUSE
            self.cause = cause if good else "failed" if cause else "implausible"
            if not told:
                logging.Logger("sensors").warning("%s: %s", self._title, self.cause)


class Rig:
    """The buses and supplies of a run. Sensors on the same pins share one bus."""

    def __init__(self):
        self._shared = {}  # key -> object with deinit()
        self.hung = []  # pins of a bus, once for each sensor to which it did not react
        self._buses = 0
        self._baudrates = {}  # of buses, by their key
        self._users = {}  # supply pin -> number of sensors that still need it

    def i2c(self, sda_pin, scl_pin, baudrate=100000):
        """Return the machine.I2C on these pins, as fast as the slowest sensor on it wants.

        The first two pairs of a run use the hardware, a third the firmware's software bus.
        Raises OSError for more.
        """
        from machine import I2C

        key = ("i2c", sda_pin, scl_pin)
        pins = (sda_pin, scl_pin)

        def make():
            if self._buses > 2:
                raise OSError("no I2C bus left")
            self._buses += 1
            self._baudrates[key] = baudrate
            return I2C(self._buses - 1, I2C.MASTER, baudrate=baudrate, pins=pins)

        bus = self.share(key, make)
        if baudrate < self._baudrates[key]:
            self._baudrates[key] = baudrate
            bus.deinit()  # without this, init() of an open bus loses its pins (machine_i2c.c)
            bus.init(I2C.MASTER, baudrate=baudrate, pins=pins)
        return bus

    def share(self, key, make):
        """Return the object of `key`, which the first call makes with `make()`.

        Its deinit() is called at the end of the run.
        """
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def hangs(self, bus):
        """True if this bus did not react to two sensors. The others would wait 5 s or more each.

        With one sensor it is not certain: that sensor may have held the bus down and released it.
        """
        return self.hung.count(bus) > 1

    def power(self, pin):
        """Add a sensor to the supply `pin`, which the first switches on. None: always supplied."""
        if pin is not None:
            if pin not in self._users:
                self._users[pin] = 0
                set_sensor_power_on(pin, 0)
            self._users[pin] += 1

    def release(self, pin):
        """Take a sensor off the supply `pin`, which the last one switches off."""
        if pin is not None:
            self._users[pin] -= 1
            if not self._users[pin]:
                set_sensor_power_off(pin)

    def close(self):
        """Switch the supplies off and release the buses."""
        for pin in self._users:
            if self._users[pin]:
                set_sensor_power_off(pin)
        for key in self._shared:
            try:
                self._shared[key].deinit()
            except OSError:  # the firmware has released it already
                pass
            except Exception as error:  # noqa: BLE001 - a driver's mistake; the values stay
                logging.Logger("sensors").exception(error, "%s: not given back", key[0])


class _Whole(Sensor):
    """A module without `build`: its get_reading is one long step."""

    def __init__(self, module, arguments):
        self._module = module
        self._arguments = arguments

    def steps(self):
        values = self._module.get_reading(**self._arguments)
        self.cause = self._module.last_cause
        return values
        yield  # makes this a generator


def _next(jobs):
    """Return the job that is due first. Of jobs with one exclusive key only the first counts."""
    held = []
    chosen = None
    for job in jobs:
        key = job.exclusive()
        if key is not None:
            if key in held:
                continue
            held.append(key)
        if chosen is None or job.due_ms < chosen.due_ms:
            chosen = job
    return chosen


def _advanced(work):
    """Take a step of other work; return it, None once it is over."""
    try:
        next(work)
        return work
    except StopIteration:
        return None
    except Exception as error:  # noqa: BLE001 - it must not cost the measurement
        logging.Logger("sensors").warning("meanwhile: %s", error)
        return None


def _failing(error):
    """Steps of a sensor that could not be made: they raise its error."""
    raise error
    yield  # makes this a generator
