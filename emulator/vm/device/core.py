"""Modules of this VM's own core by the names that they have on all of them."""


def core(name):
    """MicroPython 1.11 has some by the name with a "u" only (`ustruct`)."""
    try:
        return __import__(name)
    except ImportError:
        return __import__("u" + name)
