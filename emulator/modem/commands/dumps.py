"""Texts of the manufacturing console: versions, state machines, hardware description.

Their layout is that of a Monarch; hosts search them for single words ("Software     :" with the
build in brackets, "17 bands", a state behind its name). All values are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulator.modem.options import ModemOptions

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

_MACHINES = (
    "RRC TOP FSM",
    "RRC SEARCH FSM",
    "RRC ACTIVE FSM",
    "PMM PLMN FSM",
    "EMM MAIN FSM",
    "EMM AUTH FSM",
    "EMM CONN FSM",
    "EMM TAU FSM",
    "EMM TEST FSM",
    "ESM BEARER FSM",
    "SMS MT FSM",
    "SMS MO FSM",
    "HP MAIN FSM",
    "HP USIM FSM",
    "HP SMS MO FSM",
    "HP SMS MT FSM",
    "HP CAT FSM",
)
_QUIET = {
    "SMS MT FSM": "IDLE",
    "SMS MO FSM": "IDLE",
    "HP SMS MO FSM": "IDLE",
    "HP SMS MT FSM": "IDLE",
    "HP MAIN FSM": "IDLE",
    "HP USIM FSM": "READY",
}
_REGISTERED = {
    **_QUIET,
    "PMM PLMN FSM": "NORM_CAMPED",
    "EMM MAIN FSM": "REGISTERED",
    "EMM AUTH FSM": "KASME_DEFINED",
    "ESM BEARER FSM": "BEARER_ACTIVE",
}
_LIMITED = {
    **_QUIET,
    "RRC TOP FSM": "CAMPED",
    "RRC SEARCH FSM": "CAMPED_ANY",
    "PMM PLMN FSM": "ANY_CAMPED",
}
_PHASES: dict[str, dict[str, str]] = {
    "off": {"RRC TOP FSM": "STOPPED", "HP USIM FSM": "READY"},
    "no_sim": {**_LIMITED, "HP USIM FSM": "ABSENT"},
    "limited": _LIMITED,
    "scanning": {
        **_QUIET,
        "RRC TOP FSM": "SCANNING",
        "RRC SEARCH FSM": "WAIT_RSSI",
        "PMM PLMN FSM": "NORM_WAITCELL",
    },
    "connecting": {
        **_QUIET,
        "RRC TOP FSM": "CONNECTING",
        "RRC ACTIVE FSM": "WAIT_SMC",
        "PMM PLMN FSM": "NORM_CAMPED",
        "EMM MAIN FSM": "REGISTERED_INIT",
        "EMM AUTH FSM": "WAITING_SIM_CONFIRM",
        "ESM BEARER FSM": "BEARER_NULL_PENDING_ACTIVE",
    },
    "connected": {**_REGISTERED, "RRC TOP FSM": "CONNECTED"},
    "camped": {**_REGISTERED, "RRC TOP FSM": "CAMPED", "RRC SEARCH FSM": "CAMPED"},
}


_BOOT = "5.1.1.0 [33080]"  # of the factory; the last bootloader is the one that runs
_BUILT = "by builder at 2019-01-01 00:00:00"
_NV = "1.1,0,0"


def _release(options: ModemOptions) -> str:
    return f"{options.lr_version.partition('-')[0].removeprefix('LR')} [{options.build}]"


def version(options: ModemOptions) -> list[str]:
    return [
        "SYSTEM VERSION",
        "==============",
        "  FIRMWARE VERSION",
        f"    Bootloader0  : {_BOOT}",
        f"    Bootloader1  : {_BOOT}",
        f"    Bootloader2* : {_release(options)}",
        f"    NV Info      : {_NV}",
        f"    Software     : {_release(options)} {_BUILT}",
        f"    UE           : {options.ue_version.removeprefix('UE')}",
        "  COMPONENTS",
        "    ZSP0         : 1.0.99-12345",
        "    ZSP1         : 1.0.99-12345",
    ]


def software(options: ModemOptions) -> list[str]:
    return [
        f"[BOOTROM0] {_BOOT}",
        f"[BOOTROM1] {_BOOT}",
        f"[BOOTROM2*] {_release(options)}",
        f"[FFF] {_release(options)} {_BUILT}",
        f"[UPDATER] {_release(options)} {_BUILT}",
        f"[NVRAM] {_NV}",
    ]


def state_machines(phase: str) -> list[str]:
    """28 columns for the name, 20 for the state."""
    edge = "+" + "-" * 29 + "+" + "-" * 21 + "+"
    states = _PHASES[phase]
    rows = [f"| {name:<28}|{states.get(name, 'NULL'):<20} |" for name in _MACHINES]
    return ["SYSTEM FSM", "==========", edge, *rows, edge]


def physical_layer(modem: Modem) -> list[str]:
    network = modem.cell.network
    signal = modem.cell.signal() if modem.cfun == 1 and modem.cell_reachable else None
    if signal is None:
        return ["DL SYNCHRO STATISTICS", "Synchro state : NOT SYNCHRONISED"]
    return [
        "DL SYNCHRO STATISTICS",
        "=====================",
        f"Synchro state : {'DRX' if not modem.radio.connected else 'CONNECTED'}",
        f"DL EARFCN     : {network.earfcn}",
        f"Cell ID       : {network.pci}",
        f"RSRP (dBm)    : {signal.rsrp_dbm:.2f}",
        f"RSRQ (dB)     : {signal.rsrq_db:.2f}",
        f"CINR (dB)     : {signal.sinr_db:.2f}",
    ]


def detected_cells(modem: Modem) -> list[str]:
    network = modem.cell.network
    lines = ["[CellsMeas] Detected Cell(s)", "| Type | EARFCN | PCI | RSRP | RSRQ | Rej |"]
    signal = modem.cell.signal() if modem.cfun == 1 and modem.cell_reachable else None
    if signal is not None:
        reject = modem.emm.cause or 0
        lines.append(
            f"| SERV | {network.earfcn} | {network.pci} | {signal.rsrp_dbm:.1f} "
            f"| {signal.rsrq_db:.1f} | {reject} |"
        )
    return lines


def interfaces(modem: Modem) -> list[str]:
    lines = [
        "lo        Link encap:Local Loopback",
        "          inet addr:127.0.0.1  Mask:255.0.0.0",
    ]
    for cid in sorted(modem.pdn.active):
        lines.append(f"pdn{cid - 1}      Link encap:Raw")
        for family, address in sorted(modem.pdn_addresses(cid).items()):
            lines.append(f"          {'inet' if family == 'IP' else 'inet6'} addr:{address}")
    return lines


def capabilities(bands: Sequence[int]) -> list[str]:
    listed = ",".join(str(band) for band in bands)
    return [
        "Access stratum release : 13",
        "catM : 0",
        "nb-IoT : 1",
        f"Supported bands : {listed}",
        f"Board bands : {listed}",
    ]


def hardware(bands: Sequence[int]) -> list[str]:
    """+SMDD: an XML description, longer than the receive buffer of the Pycom firmware."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<hardware>",
        f"<!-- {len(bands)} bands -->",
        '<board name="monarch" revision="2"/>',
    ]
    for band in bands:
        lines += [
            f'<band id="{band}">',
            f'<rx path="{band % 4}" gain-table="rx{band:02d}" offset="0" filter="saw{band:02d}"/>',
            f'<tx path="{band % 3}" gain-table="tx{band:02d}" offset="0" max-power="23.0"/>',
            "</band>",
        ]
    lines += [
        '<clock type="tcxo" frequency="26000000"/>',
        '<sim slots="1" voltage="1.8"/>',
        "</hardware>",
    ]
    return lines
