"""[modem] and [sim] of a scenario: the module, the state in which it is found, and its card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from emulator.board.constants import DATA_SHEET, constant
from emulator.board.options import check_range

LPM_DELAY_MS = constant(
    5000, "ms", DATA_SHEET, "Sequans AT+SQNIPSCFG, default; a FiPy comes to its floor after 5 s"
)
AT_MA = constant(30.0, "mA", DATA_SHEET, "GM02S active without radio, 20 to 40 mA")


@dataclass
class ModemOptions:
    """[modem]: the module itself and the state in which the board finds it."""

    # "running": supplied and started long before the board; "boot": started together with it;
    # "off": dead, it never answers
    start: Literal["running", "boot", "off"] = "running"
    cfun: Literal[0, 1, 4] = 4  # found so when "running"
    low_power: bool = True  # setlpm was given before (an earlier deinitialisation left it so)
    autostart: bool = False  # CFUN=1 by itself after every start of the modem
    uart1: bool = True  # machine.UART on the modem's pins reaches it
    cts_blocks: bool = True  # CTS is released while the modem boots, sleeps and wakes up
    # CTS of a sleeping modem; asserted: what is sent to it is lost
    cts_asleep: Literal["released", "asserted"] = "released"
    # RTS as the modem reads it while the board does not drive it: in deep sleep without hold,
    # and from a start on until a program or the driver does
    rts_in_deepsleep: Literal["released", "asserted"] = "released"
    rts_idle_ma: float = AT_MA  # awake without radio, as RTS keeps it
    # the modem rests so long after its last character, as +SQNIPSCFG is stored; 0: at once
    lpm_delay_ms: int = LPM_DELAY_MS
    psm_entry_ms: int = 0  # from T3324 and RTS released to power saving mode
    psm_wake_ms: int = 0  # out of it, from RTS to the first answer; 0: drawn, 0.3 s (0.15 to 0.6)
    wake_loses_first: int = 0  # bytes sent to a modem that has just woken; -1: a whole line
    wake_garbage: Literal["none", "ff", "00"] = "none"  # in front of its first line
    urc_on_wake: int = 5  # held URCs come so many ms after it; -1: with the next command
    urc_blocks_sleep: bool = False  # unread characters keep the modem awake
    # after power saving mode: it restarts; sockets are closed or take no data ("half"); what
    # +CEREG says (2: for 5 s); echo; whether its address has changed
    psm_sysstart: bool = False
    psm_sockets: Literal["kept", "closed", "half"] = "kept"
    psm_registration: Literal["kept", "2", "4", "0"] = "kept"
    psm_echo: Literal["kept", "E1"] = "kept"
    psm_new_ip: bool = False
    cpsms_same_tau: bool = False  # the same +CPSMS again costs an update
    off_rts_abort: bool = False  # RTS released during CFUN=0 or 4: the radio stays on
    clac: Literal["list", "error"] = "list"  # AT+CLAC
    prompt_timeout_s: int = 0  # data that are not complete by then end in ERROR; 0: never
    data_state_left: bool = False  # found in data state, as a crashed program left it
    recovery_115200: bool = False  # only the loader answers
    tls: Literal["absent", "plaintext"] = "absent"  # of the modem's sockets
    boot_ms: int = 0  # start to +SYSSTART; 0: drawn, 3.5 s (2.3 to 6)
    imei: str = "354340987654326"  # 35434...: the firmware looks for this beginning
    manufacturer: str = "PYCOM"
    model: str = ""  # empty: the name of the board
    ue_version: str = "UE6.0.0.0-ER0"
    lr_version: str = "LR6.0.0.0-41019"
    build: int = 41019
    cereg: Literal[0, 1, 2, 3, 4, 5] = 1  # as stored in NV
    creg: Literal[0, 1, 2, 3] = 0
    cmee: Literal[0, 1, 2] = 0
    ctzu: Literal[0, 1] = 0  # whether the network sets the clock
    operator: str = ""  # stored by +COPS=1: no other is looked for; empty: the choice is free
    cgatt_stays_0: bool = False  # +CGATT? says 0 for ever, although data passes
    carrier: str = "standard"  # +SQNCTM
    bands: list[int] = field(default_factory=lambda: [3, 8, 20])  # scan list
    # the network's time sets time and zone soon after the registration; 10 s after it ("late"); or
    # it has a zone only, and the clock stays as it was
    nitz_form: Literal["time+zone", "late", "zone"] = "time+zone"
    cclk_utc: bool = False  # +CCLK shows UTC beside the zone, not local time
    clock_starts: Literal[1970, 1980, 2000, 2004, 2015] = 1970  # year of an unset clock
    apn: str = ""  # stored for context 1
    pdp_type: Literal["IP", "IPV6", "IPV4V6"] = "IP"  # stored for context 1
    cgcontrdp_mtu: int = 1428  # 0: the shorter form of older builds
    chunk_bytes: int = 0  # answers leave in pieces of so many bytes; 0: whole
    chunk_gap_ms: float = 5.0  # between such pieces
    urc_every_ms: int = 0  # a URC of `urc_texts` in turn, so often; 0: none
    urc_texts: list[str] = field(default_factory=lambda: ["+CEDRXP: 5"])
    # CFUN=0 and 4 discard what the modem has accepted and not sent; False: they wait for it
    off_drops_queue: bool = True
    cscon: bool = False  # +CSCON is there
    # the release assistance field of +SQNSSENDEXT: refused, with effect, or taken for nothing
    rai: Literal["absent", "accepted", "without_effect"] = "absent"
    # a line that comes before the final result code of another: it waits for its turn; or it is
    # lost, and ends the other with ERROR
    second_line: Literal["queued", "lost"] = "queued"
    ring: Literal["datagram", "drained"] = "datagram"  # +SQNSRING for each, or once till empty
    nothing_to_read: Literal["error", "empty"] = "error"  # +SQNSRECV: error or length 0
    long_datagram: Literal["truncate", "keep"] = "truncate"  # more than +SQNSRECV asked for

    def __post_init__(self) -> None:
        check_range(self, "boot_ms chunk_bytes chunk_gap_ms urc_every_ms rts_idle_ma", 0)
        check_range(self, "lpm_delay_ms psm_entry_ms psm_wake_ms prompt_timeout_s", 0)
        check_range(self, "wake_loses_first urc_on_wake", -1)


@dataclass
class SimOptions:
    """[sim]"""

    state: Literal["ready", "absent", "pin", "puk"] = "ready"
    pin: str = "1234"
    puk: str = "12345678"
    ready_ms: int = 0  # after power-up of the card; 0: drawn, 0.6 s (0.3 to 2)
    imsi: str = "001010123456789"
    iccid: str = "8900101234567890123"
    number: str = ""

    def __post_init__(self) -> None:
        check_range(self, "ready_ms", 0)
