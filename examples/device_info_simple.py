"""Print what the board says of itself, once, with the LED blue meanwhile."""

from utils import device_info, gpio_handler

device_info.set_led_color("blue")
print("firmware:", device_info.get_device_fw()[0])
print("reset cause:", device_info.get_reset_cause())
print("device id:", device_info.get_device_id()[0])
print("LoRa MAC:", device_info.get_lora_mac()[0])
print("IMEI:", device_info.get_lte_ids().imei)
print("heap, allocated and free:", device_info.get_heap_memory())
print("CPU: {:.0f} Cel".format(device_info.get_cpu_temp()))
print("supply:", gpio_handler.get_vin(), "mV")
device_info.set_led_color("off")
