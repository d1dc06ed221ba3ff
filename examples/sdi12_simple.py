"""Print what a TEROS 12 measures every ten seconds. Wiring: transceiver at P3, P4 and P8."""

from sensors import sdi12
from utils import timing

while True:
    moisture, temperature, conductivity = sdi12.get_reading("P3", "P4", "P8", probe="teros12")
    if sdi12.last_cause is not None:
        print("no reading:", sdi12.last_cause)
    else:
        print("{:.1f} %, {:.1f} Cel, {:.0f} uS/cm".format(moisture, temperature, conductivity))
    timing.sleep_ms(10000)
