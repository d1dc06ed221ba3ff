"""What the firmware's MAC does beside the standard. Source: 1.20.2.r4, modlora.c, LoRaMac.c."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.lorawan import commands
from emulator.lorawan.frames import Session
from emulator.lorawan.mac import Mac, Message
from tests.emulator.lorawan.rig import FiPy, fipy, joined, lora

TRY = """
def tried(action):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__, error.args)

"""
ADR = "region=LoRa.EU868, adr=True"
BLOCKING = "s.setblocking(True)\n"
QUIET = {"fluctuation_db": 0.0, "adr": False}


def sent(board: FiPy) -> list[tuple[int, int]]:
    """(data rate, length of the frame) of all uplinks but join requests."""
    frames = [each for each in board.lora.gateway.uplinks if each.frame[0] >> 5]
    return [(each.rate_number, len(each.frame)) for each in frames]


def requests(board: FiPy) -> list[int]:
    return [each.rate_number for each in board.lora.gateway.uplinks if not each.frame[0] >> 5]


def command(board: FiPy, data: bytes) -> None:
    """MAC commands with the answer to the next uplink."""
    once = [data]
    board.server._commands = lambda *rest: once.pop() if once else b""  # type: ignore[method-assign]


@pytest.mark.parametrize(("region", "fell"), [("EU868", 0), ("AS923", 2), ("IN865", 0)])
def test_a_rate_that_no_channel_has_falls_to_the_slowest(
    tmp_path: Path, region: str, fell: int
) -> None:
    program = joined(rate=6).replace("EU868", region) + BLOCKING + "print(s.send(bytes(11)))\n"
    program += TRY + "tried(lambda: s.send(bytes(60)))\n"  # fits at 6, not at what it falls to
    with fipy(tmp_path, lora(region=region, **QUIET)) as board:
        board.run(program)
        assert sent(board) == [(fell, 24)]
    assert board.output[1:] == ["11", "OSError (11,)"]


def test_a_join_request_that_is_held_back_blocks_and_leaves_faster(tmp_path: Path) -> None:
    timed = "start = time.ticks_ms()\nlora.power_mode(LoRa.SLEEP)\n"
    timed += "print(round((time.ticks_ms() - start) / 1000))\n"
    for tries, blocked_s in ((6, "0"), (24, "95"), (64, "0")):
        program = joined(tries=tries).replace("timeout=0", "timeout=0, dr=0") + timed
        with fipy(tmp_path, lora(gateway=False)) as board:
            board.run(program)
            assert board.output == ["joined False", blocked_s]
            assert requests(board)[:2] == [0, 5][: 1 + (tries > 6)]


@pytest.mark.parametrize(("rate", "size", "told"), [(0, 60, "122"), (5, 242, "242")])
def test_the_socket_checks_its_own_rate_and_the_mac_another(
    tmp_path: Path, rate: int, size: int, told: str
) -> None:
    """With ADR on: refused and yet on air; taken, and only commands are on air."""
    program = joined(rate=rate).replace("region=LoRa.EU868", ADR) + TRY
    program += f"s.setblocking(False)\ntried(lambda: s.send(bytes({size})))\ntime.sleep(5)\n"
    with fipy(tmp_path, lora(**QUIET)) as board:
        if told == "242":  # with a DevStatusAns to be sent
            command(board, bytes([commands.DEV_STATUS]))
            program = program.replace("s.setblocking", "s.send(b'1')\ns.setblocking", 1)
        board.run(program)
        assert sent(board)[-1] == ((5, 73) if told == "122" else (5, 16))
    assert told in board.output[-1]


def test_without_adr_only_a_channel_mask_for_any_rate_is_obeyed(tmp_path: Path) -> None:
    program = joined(rate=5) + BLOCKING + "s.send(b'1')\ns.send(b'2')\n"
    for rate, answer, enabled in ((5, 0, 8), (15, 7, 1)):
        with fipy(tmp_path, lora(**QUIET)) as board:
            power = 15 if rate == 15 else 0
            command(board, commands.link_adr(rate, power, 1, 0))
            board.run(program)
            assert board.lora.gateway.uplinks[-1].frame[8:10] == bytes([commands.LINK_ADR, answer])
            assert board.lora.mac is not None
            assert len(board.lora.mac.settings.enabled) == enabled


def test_adr_asks_for_an_answer_and_slows_down(tmp_path: Path) -> None:
    """From the 65th silent uplink on it asks, at full power; the 98th is slower; never at DR0."""
    with fipy(tmp_path, lora(gateway=False)) as board:
        board.run("from network import LoRa\nlora = LoRa(mode=LoRa.LORAWAN, region=5, adr=True)\n")
        board.lora.do_init([1, *[None] * 2, 0, 7, 8, 1, 0, False, False, True, True, 2, 0, 5])
        mac: Any = board.lora.mac
        assert isinstance(mac, Mac)
        mac.activate(Session(1, bytes(16), bytes(16)))
        mac.settings.rate, mac.settings.power_index = 1, 5
        for _ in range(130):
            message = Message(b"x", 1, False, 5)
            mac.send(message)
            board.board.clock.run_until(board.board.clock.now_us + 9_000_000, lambda: False)
            assert message.finished
        heard = board.lora.gateway.uplinks
        asks = [number for number, each in enumerate(heard) if each.frame[5] & 0x40]
        assert asks == list(range(64, 97))
        assert [each.rate_number for each in heard] == [1] * 97 + [0] * 33
        assert [each.power_dbm for each in heard[62:66]] == [3, 3, 13, 13]


def test_seven_downlinks_wait_and_no_more(tmp_path: Path) -> None:
    downlinks = [{"port": 2, "payload": f"0{number}"} for number in range(9)]
    program = joined() + BLOCKING + "for i in range(9):\n    s.send(b'x')\ns.setblocking(False)\n"
    with fipy(tmp_path, lora(downlinks=downlinks)) as board:
        board.run(program + "print(len([1 for i in range(9) if s.recv(9)]))\n")
    assert board.output[-1] == "7"


def test_a_restore_of_what_was_not_joined_ends_the_session(tmp_path: Path) -> None:
    program = "lora.nvram_save()\n" + joined() + "lora.nvram_restore()\nprint(lora.has_joined())\n"
    start = "from network import LoRa\nlora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)\n"
    with fipy(tmp_path) as board:
        board.run(start + program)
    assert board.output == ["joined True", "False"]
