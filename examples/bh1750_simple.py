"""Print the illuminance every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import bh1750
from utils import timing

while True:
    light = bh1750.get_reading("P9", "P10")
    if light is None:
        print("no reading:", bh1750.last_cause)
    else:
        print("{:.1f} lx".format(light))
    timing.sleep_ms(10000)
