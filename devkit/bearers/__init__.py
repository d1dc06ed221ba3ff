"""What the workbench must know of a bearer: one file each, with the bearer's name, all optional.

BOARD     str: the board that has its hardware (default: "GPy")
ENDPOINT  (host, port): where its payloads go, as the emulated internet names it, if that is not
          the server of config.py

A bearer on a board like the template's, to the template's server, needs no file here.
"""
