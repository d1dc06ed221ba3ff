"""Collects reports by UDP, CoAP and MQTT: decodes SenML, keeps and shows it (README.md)."""

VERSION = "0.1.0"
