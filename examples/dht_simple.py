"""Print temperature and humidity every ten seconds. Wiring: data to P9, 4.7 kOhm to 3.3 V."""

from sensors import dht
from utils import timing

while True:
    temperature, humidity = dht.get_reading("P9", "DHT22")
    if temperature is None or humidity is None:
        print("no reading:", dht.last_cause)
    else:
        print("{:.1f} Cel, {:.1f} %RH".format(temperature, humidity))
    timing.sleep_ms(10000)
