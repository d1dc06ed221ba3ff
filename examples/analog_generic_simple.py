"""Print the battery voltage every ten seconds. Wiring: battery to P16 by a divider of 1 to 2."""

from sensors import analog_generic
from utils import timing

while True:
    battery_mv = analog_generic.get_reading("P16", divider=2)
    if battery_mv is None:
        print("no reading:", analog_generic.last_cause)
    else:
        print("{} mV".format(battery_mv))
    timing.sleep_ms(10000)
