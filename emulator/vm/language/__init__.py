"""The language as the core of MicroPython 1.11 has it, where CPython's differs.

rewriting     which expressions of device source become calls, and of what
single        floats of single precision
operators     operators, `in` and slices between the builtin types
constructors  int(), str(), bytearray() ...
attributes    methods that the board's builtin types lack or have in another form
failures      exceptions of CPython with the board's class and text
tables        dicts in the order of the board's hash table
"""
