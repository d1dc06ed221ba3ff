"""`./dev deploy`: puts a build on a board over its serial REPL.

source.py    what is to go on the board: a folder, and the manifest beside it
repl.py      the connection: raw REPL by mpremote, calls with a check sum both ways
agent.py     the board's side, sent at the start; MicroPython
slots.py     what a board with slots is given besides; agent_slots.py is its side of it
plan.py      what differs on the board, and whether it fits
transfer.py  writes beside the old files, verifies, puts in place
session.py   one run: from the options to what the user reads
"""
