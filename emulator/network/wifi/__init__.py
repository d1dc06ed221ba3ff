"""Wi-Fi: access points, the station of the ESP32, and the interface that lwIP sends through."""
