"""Print the illuminance every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import tsl2561
from utils import timing

while True:
    light = tsl2561.get_reading("P9", "P10")
    if light is None:
        print("no reading:", tsl2561.last_cause)
    else:
        print("{:.1f} lx".format(light))
    timing.sleep_ms(10000)
