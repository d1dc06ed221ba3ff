"""What receives reports: plain UDP, CoAP and MQTT."""
