"""A LoRaWAN join that nobody answers, and downlinks that nobody sends."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("lora.has_joined", "lora.recv")
_REFUSED = {
    "unknown device": "the network knows no device with these EUIs ([lora] devices of a scenario"
    " names those that may join)",
    "mic": "the network has another app_key for this device ([lora] devices of a scenario)",
    "dev_nonce": "the network has seen its DevNonce before",
    "refused": "the network leaves it unanswered ([lora] joins_refused of a scenario)",
}


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    lora: Any = board.services["lora"]
    if lora.mac is None:
        return "waits for raw LoRa, and no other station is there" if name == CALLS[1] else None
    if lora.mac.joined:
        said = "waits for a LoRaWAN downlink ([lora] downlinks of a scenario go behind uplinks)"
        return said if name == CALLS[1] else None
    return "waits for a LoRaWAN join: " + _why(lora)


def _why(lora: Any) -> str:
    joins = [each for each in lora.server.refused if each.kind == "join"]
    if joins:
        return _REFUSED.get(joins[-1].reason, joins[-1].reason)
    if not lora.gateway.uplinks:
        return "the board has sent no join request"
    heard = lora.gateway.last_deaf
    if heard == "other region":
        return f"the gateway is one of {lora.options.region} ([lora] region of a scenario)"
    return f"no gateway hears it: {heard or 'collisions'} ([lora] of the scenario)"
