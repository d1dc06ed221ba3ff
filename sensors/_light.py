"""What the light sensors on I2C have in common: they are tried again, and switched off."""

from micropython import const

from sensors import Sensor, SensorError

_ATTEMPTS = const(3)
_PAUSE_MS = const(5)
_LASTING = ("stuck", "saturated")  # another attempt would not help


class LightSensor(Sensor):
    """Base of a sensor with `measure`, steps that return one value, and `switch_off`."""

    def steps(self):
        """Measure; (lux,)."""
        cause = None
        for _ in range(_ATTEMPTS):
            try:
                return ((yield from self.measure()),)
            except SensorError as error:
                cause = error.args[0]
                if cause in _LASTING:
                    raise
            yield _PAUSE_MS  # it may be starting
        raise SensorError(cause)

    def and_off(self, steps):
        """Go through these steps and switch the chip off whatever happens; what they return.

        But for a bus that is held down, where each transfer takes seconds.
        """
        hung = False
        try:
            return (yield from steps)
        except (SensorError, GeneratorExit) as error:  # it is closed where the bus is held down
            hung = not error.args or error.args[0] == "stuck"
            raise
        finally:
            if not hung:
                self.switch_off()
