"""Many nodes in one NB-IoT cell: what their wake-ups do to its random access (`./dev cell`).

access.py       the random access of the cell: who gets in, and after how many tries
nodes.py        the nodes, which ask the device's own utils/place.py and utils/backoff.py
simulation.py   both over some periods, and what is told of it
"""
