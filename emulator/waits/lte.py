"""An attach that cannot come, and a data state that was not asked for."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("lte.isattached", "lte.isconnected", "lte.send_at_cmd")
ATTACHED = "waits for the attach of LTE: "


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    driver: Any = board.services["lte"]
    modem = driver.modem
    if modem is None or (modem.registered and name == "lte.send_at_cmd"):
        return None
    if not modem.registered:
        return ATTACHED + _unregistered(modem)
    if name == "lte.isattached" and not modem.attached:
        return ATTACHED + "+CGATT stays 0 ([network] cgatt_lag_ms of the scenario)"
    if name == "lte.isattached" and modem.nv.cereg != 1:
        return ATTACHED + "isattached() needs AT+CEREG=1, and the program has set another"
    if name == "lte.isconnected" and driver.ppp_address is None:
        return "waits for the data state of LTE: connect() was not called, or gave no IPv4 address"
    return None


def _unregistered(modem: Any) -> str:
    network = modem.cell.network
    if not modem.sim.present:
        return "there is no SIM card ([sim] state of the scenario)"
    if modem.sim.powered and modem.sim.status() != "READY":
        return f"the SIM card wants a number, {modem.sim.status()} ([sim] of the scenario)"
    if modem.cfun != 1:
        return f"the radio is off, +CFUN is {modem.cfun}: attach() was not called"
    if not modem.cell.in_coverage:
        return "there is no cell ([radio] in_coverage of the scenario)"
    if network.band not in modem.nv.bands:
        return f"the only cell is in band {network.band} ([network] band of the scenario)"
    if not modem.cell_reachable:
        return f"AT+COPS has chosen {modem.nv.operator!r} ([network] plmn of the scenario)"
    refusal = modem.pdn.refusal(modem.pdn.attach_cid)
    if refusal is not None:
        apns = ", ".join(network.apns) or "any"
        return f"the network refuses the context ([network] apns: {apns}; pdn_types, apn_user)"
    if modem.emm.last_reject is not None:
        return f"the network refuses it, EMM cause {modem.emm.last_reject} ([network] steps)"
    return "the network does not answer ([network] and [radio] of the scenario)"
