"""Print the battery's voltage and charge every ten seconds. Wiring: battery to P16 by a divider
of two equal resistors."""

from sensors import battery
from utils import timing

while True:
    voltage, level = battery.get_reading("P16", divider=2, cell="li-ion")
    if voltage is None or level is None:
        print("no reading:", battery.last_cause)
    else:
        low, high = battery.level_range(voltage)
        print("{} mV, {} % ({} to {})".format(voltage, level, low, high))
    timing.sleep_ms(10000)
