"""The board behind a serial port: what a person or a program at the other end of the cable meets.

port.py     the pseudo-terminal, its bytes and Ctrl-C
repl.py     the prompts of the firmware: friendly, raw, paste mode
board.py    the emulated board with this console: boots, programs, prompt, soft reset, deep sleep
"""
