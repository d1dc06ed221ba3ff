"""From bytes to records: SenML, and the measurements of a report."""
