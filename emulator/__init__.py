"""A Pycom GPy or FiPy on a computer: board, modem, network, sensors and the firmware's Python.

    from emulator.emulator import Emulator

    with Emulator(scenario="fair") as emulator:
        cycles = emulator.run(["boot.py", "main.py"], cycles=3)

It knows nothing of the workbench (devkit) that stands on it.
"""
