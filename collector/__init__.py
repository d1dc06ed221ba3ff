"""Collects reports by UDP, CoAP and MQTT: decodes SenML, keeps and shows it (README.md)."""
