"""Real servers on this computer, for tests and demonstrations: on loopback, on a free port."""
