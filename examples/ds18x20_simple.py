"""Print the temperature of every thermometer on a 1-Wire line. Wiring: data to P3, 4.7 kOhm up."""

from sensors import ds18x20
from utils import timing

while True:
    roms = ds18x20.scan("P3")
    if not roms:
        print("no reading:", ds18x20.last_cause)
    for rom in roms:
        temperature = ds18x20.get_reading("P3", rom=rom)
        if temperature is None:
            print("{}: no reading: {}".format(rom, ds18x20.last_cause))
        else:
            print("{}: {:.2f} Cel".format(rom, temperature))
    timing.sleep_ms(10000)
