"""Releases: the formats that go on the air, and the keys that sign them.

format.py   writes what a node reads with ota/_envelope.py, _keys.py and _manifest.py
keys.py     makes and reads the folder of keys
"""
