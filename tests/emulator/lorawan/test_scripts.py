"""Typical scripts of Pycom users on the emulated FiPy: join, send, receive, sleep."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.lorawan.rig import collector, fipy, joined, lora

SEND = """
s.setblocking(True)
print(s.send(bytes([0x01, 0x02, 0x03])))
s.setblocking(False)
print(s.recv(64))
"""


@pytest.mark.parametrize("vm", ["cpython", pytest.param("micropython", marks=pytest.mark.vm)])
def test_example_of_the_vendor_reaches_a_real_server(tmp_path: Path, vm: str) -> None:
    with collector() as (route, server), fipy(tmp_path, routes=[route], vm=vm) as board:
        [cycle] = board.run(joined() + SEND)
        assert server.recv(100) == b"\x01\x02\x03"
    assert board.output == ["joined True", "3", "b''"]
    assert (len(cycle.sent), cycle.delivered) == (1, 1)
    assert cycle.sent[0].host == "lorawan.example"
    assert cycle.air_bytes == 23 + 33 + 16
    # two packets up (62 and 51 ms), one down (67 ms less its CRC), two windows
    assert 180 <= cycle.radio_on_ms <= 450
    sent = board.lora.gateway.uplinks
    assert [len(each.frame) for each in sent] == [23, 16]


def test_a_blocking_send_takes_both_windows(tmp_path: Path) -> None:
    timed = """
    start = time.ticks_ms()
    s.setblocking(True)
    s.send(b'x')
    print(time.ticks_diff(start, time.ticks_ms()))
    """.replace("\n    ", "\n")
    with fipy(tmp_path) as board:
        board.run(joined() + timed)
    assert 2000 <= abs(int(board.output[-1])) <= 2400  # RX2 opens after 2 s, at SF12 for 197 ms


def test_join_with_a_wrong_key_is_refused_for_its_mic_and_goes_on(tmp_path: Path) -> None:
    with fipy(tmp_path, "lora_wrong_key") as board:
        board.run(joined(tries=24))
    assert board.output[0] == "joined False"
    assert len(board.reasons) >= 5
    assert set(board.reasons) == {"mic"}


def test_nobody_hears_without_a_gateway(tmp_path: Path) -> None:
    with fipy(tmp_path, "lora_no_gateway") as board:
        [cycle] = board.run(
            joined(tries=8) + "try:\n    s.send(b'1')\nexcept OSError as e:\n    print(e.args)"
        )
    assert board.output == ["joined False", "(115,)"]
    assert board.server.log == []
    assert cycle.sent == []


def test_downlinks_come_with_their_port_and_a_confirmed_one_once(tmp_path: Path) -> None:
    program = (
        joined()
        + """
s.settimeout(5)
for number in range(3):
    s.send(bytes([number]))
    s.setblocking(False)
    print(s.recvfrom(64))
    s.settimeout(5)
try:
    s.recv(1)
except LoRa.timeout as error:
    print(error)
"""
    )
    with fipy(tmp_path, "lora_downlink") as board:
        board.run(program)
    assert board.output[1:] == [
        "(b'\\xca\\xfe', 2)", "(b'\\x01\\x02\\x03\\x04', 3)", "(b'', 0)", "timed out"
    ]  # fmt: skip
    assert board.lora.gateway.uplinks[-1].frame[5] & 0x20  # the acknowledgement
    assert board.payloads == [b"\0", b"\1", b"\2"]


CONFIRMED = """
s.setsockopt(socket.SOL_LORA, socket.SO_CONFIRMED, True)
s.setblocking(True)
for number in range(4):
    try:
        s.send(bytes([number]))
        print('ok')
    except OSError as error:
        print(error.args[0])
"""


def test_confirmed_uplinks_are_tried_again_and_taken_once(tmp_path: Path) -> None:
    table = lora(uplink_loss=0.3, downlink_loss=0.3)
    with collector() as (route, _), fipy(tmp_path, table, routes=[route], seed=3) as board:
        [cycle] = board.run(joined(tries=60) + CONFIRMED)
    acked = board.output.count("ok")
    assert acked >= 1
    assert len(board.lora.gateway.uplinks) > 1 + 4  # some were sent again
    assert len(set(board.payloads)) == len(board.payloads) >= acked
    assert len(cycle.sent) == 4
    assert cycle.delivered == len(board.payloads)


def test_only_slow_data_rates_reach_a_far_gateway(tmp_path: Path) -> None:
    program = (
        joined(tries=2).replace("timeout=0", "timeout=0, dr=0").replace("range(2)", "range(10)")
    )
    program += (
        "s.setblocking(True)\ns.send(b'fast')\ns.setsockopt(socket.SOL_LORA, socket.SO_DR, 0)\n"
    )
    program += "s.send(b'slow')\n"
    with fipy(tmp_path, "lora_weak") as board:
        [cycle] = board.run(program)
    assert board.payloads == [b"slow"]
    assert [sent.delivered for sent in cycle.sent] == [False, False]  # no route for the second
    assert [sent.data for sent in cycle.sent] == [b"fast", b"slow"]


SLEEPER = """
from network import LoRa
import machine
import socket
lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)
lora.nvram_restore()
print('restored', lora.has_joined())
if not lora.has_joined():
    auth = (b'\\x70\\xb3\\xd5\\x7e\\xd0\\x00\\x00\\x01',
            b'\\x2b\\x7e\\x15\\x16\\x28\\xae\\xd2\\xa6\\xab\\xf7\\x15\\x88\\x09\\xcf\\x4f\\x3c')
    lora.join(activation=LoRa.OTAA, auth=auth, timeout=60000)
s = socket.socket(socket.AF_LORA, socket.SOCK_RAW)
s.setblocking(True)
s.send(b'count')
{save}
machine.deepsleep(60000)
"""


def test_session_and_counters_survive_deep_sleep(tmp_path: Path) -> None:
    with fipy(tmp_path) as board:
        board.run(SLEEPER.format(save="lora.nvram_save()"), cycles=3)
    assert board.output == ["restored False", "restored True", "restored True"]
    assert [each.counter for each in board.server.accepted] == [0, 1, 2]


def test_a_save_is_good_for_one_restore(tmp_path: Path) -> None:
    once = "import os\nif 'saved' not in os.listdir():\n    lora.nvram_save()\n"
    once += "    open('saved', 'w').close()\n"
    with fipy(tmp_path) as board:
        board.run(SLEEPER.format(save=once), cycles=3)
    assert board.output == ["restored False", "restored True", "restored False"]


def test_an_old_counter_is_refused(tmp_path: Path) -> None:
    """Saved before the send: after the sleep the counter of that send is used again."""
    program = SLEEPER.replace("s.send", "lora.nvram_save()\ns.send").format(save="")
    with fipy(tmp_path) as board:
        board.run(program, cycles=2)
    assert board.output == ["restored False", "restored True"]
    assert board.reasons == ["counter"]
    assert len(board.payloads) == 1


def test_region_that_differs_restores_nothing(tmp_path: Path) -> None:
    program = (
        SLEEPER.format(save="lora.nvram_save()")
        .replace(
            "region=LoRa.EU868", "region=LoRa.EU868 if machine.reset_cause() == 0 else LoRa.US915"
        )
        .replace("timeout=60000", "timeout=1000")
    )
    with fipy(tmp_path) as board:
        first = program.replace("timeout=1000", "timeout=60000")
        board.run(
            first.replace("    lora.join", "    if lora.frequency() == 868000000: lora.join"), 2
        )
    assert board.output[:2] == ["restored False", "restored False"]


@pytest.mark.parametrize(("firmware", "ended"), [("1.20.2.r4", "hang"), ("1.20.2.r7", "finished")])
def test_init_behind_a_join_in_vain_hangs_on_r4(tmp_path: Path, firmware: str, ended: str) -> None:
    program = joined(tries=4) + "lora.init(mode=LoRa.LORAWAN, region=LoRa.EU868)\nprint('alive')"
    with fipy(tmp_path, "lora_no_gateway", firmware=firmware) as board:
        [cycle] = board.run(program)
    assert cycle.ended == ended
    assert ("alive" in board.output) == (ended == "finished")


def test_joining_anew_in_one_start_uses_no_nonce_twice(tmp_path: Path) -> None:
    with fipy(tmp_path, firmware="1.20.2.r7") as board:
        board.run(joined() + joined())
    assert board.output == ["joined True", "joined True"]
    assert board.reasons == []


def test_abp_joins_at_once(tmp_path: Path) -> None:
    device = {"dev_addr": "26011D01", "nwk_skey": "11" * 16, "app_skey": "22" * 16}
    program = """
from network import LoRa
import socket
lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)
lora.join(activation=LoRa.ABP, auth=(0x26011D01, b'\\x11' * 16, b'\\x22' * 16))
print(lora.has_joined())
s = socket.socket(socket.AF_LORA, socket.SOCK_RAW)
s.bind(9)
s.setblocking(True)
s.send('text')
"""
    with fipy(tmp_path, lora(devices=[device])) as board:
        board.run(program)
    assert board.output == ["True"]
    assert [(each.port, each.payload) for each in board.server.accepted] == [(9, b"text")]


def test_duty_cycle_is_watched_and_kept_if_asked_for(tmp_path: Path) -> None:
    program = (
        joined()
        + """
s.setblocking(True)
for number in range(6):
    try:
        s.send(bytes(200))
        print('ok')
    except OSError as error:
        print(error.args[0])
"""
    )
    with fipy(tmp_path) as board:
        board.run(program)
        assert board.output.count("ok") == 6
        assert board.lora.mac is not None
        assert board.lora.mac.over_duty > 0
    with fipy(tmp_path, lora(duty_cycle=True)) as board:
        board.run(program)
        assert "11" in board.output
        assert board.lora.mac is not None
        assert board.lora.mac.over_duty == 0


def test_other_boards_have_no_lora(tmp_path: Path) -> None:
    from emulator.emulator import Emulator

    printed: list[str] = []
    (tmp_path / "script.py").write_text(
        "import socket\nprint(hasattr(socket, 'AF_LORA'))\nfrom network import LoRa\n"
    )
    with Emulator(flash=tmp_path, console=printed.append) as emulator:
        [cycle] = emulator.run(["script.py"])
    assert "False" in printed[0]
    assert "ImportError" in (cycle.error or "")
