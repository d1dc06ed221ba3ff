# ruff: noqa
"""Runs on MicroPython before its REPL starts: the one thing that the WebAssembly build lacks."""

import sys


class Machine:
    def reset(self):
        pass


def start(options):
    sys.modules["machine"] = Machine()
