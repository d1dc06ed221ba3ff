"""Print voltage, current and power every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import ina219
from utils import timing

while True:
    voltage, current, power = ina219.get_reading("P9", "P10")
    if voltage is None or current is None:
        print("no reading:", ina219.last_cause)
    else:
        print("{} mV, {:.1f} mA, {:.1f} mW".format(voltage, current, power))
    timing.sleep_ms(10000)
