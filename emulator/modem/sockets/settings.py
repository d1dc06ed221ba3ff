"""Settings of one socket, as +SQNSCFG, +SQNSCFGEXT and +SQNSSCFG set them; first the factory's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Basic:
    """+SQNSCFG"""

    cid: int = 1
    packet_bytes: int = 300  # online mode; 0: the modem's choice
    idle_s: int = 90  # closes after so long without data; 0: never
    connect_ds: int = 600  # dial timeout, 0.1 s; 0: the modem's choice
    send_ds: int = 50  # online mode: a part of a packet is sent after 0.1 s x this


@dataclass
class Extended:
    """+SQNSCFGEXT"""

    ring_mode: int = 0
    receive_hex: int = 0
    keepalive_min: int = 0  # no effect on this modem
    auto_accept: int = 0
    send_hex: int = 0
    unused1: int = 0
    unused2: int = 0


@dataclass
class Secure:
    """+SQNSSCFG"""

    enabled: int = 0
    profile: int = 1
