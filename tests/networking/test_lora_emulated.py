"""networking.lora on the emulated FiPy: real LoRaWAN frames to a gateway and a network server."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from emulator.device_files import ROOT
from tests.device import Device

MakeDevice = Callable[..., Device]
HEAD = """
from support import *
from networking import lora
import machine

def settings(**fields):
    values = {
        "_APN": None, "_IP_VERSION": None, "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": None,
        "_APP_EUI": "70B3D57ED0000001", "_APP_KEY": "2B7E151628AED2A6ABF7158809CF4F3C",
        "_LORA_REGION": "EU868",
    }
    values.update(fields)
    return configured(**values)

def told():
    last = lora.last_outcome()
    return [last.status, last.cause, [name for name, _ in last.phases]]

"""
CYCLE = """
fields = given()
lora.up(settings(**fields), "message")
transport = lora.transport("message")
transport.sendto(b"report", ("192.0.2.1", 5683))
show([lora.last_outcome().cause, transport.last])
show([lora.down(), lora.metrics()])
machine.deepsleep(600000)
"""


@pytest.fixture
def fipy(make_device: MakeDevice) -> MakeDevice:
    def make(scenario: Any = "good", **options: Any) -> Device:
        if isinstance(scenario, dict):
            scenario = {"lora": scenario}
        return make_device(scenario, name="FiPy", **options)

    return make


def run(device: Device, program: str, given: Any = None, ends: str = "finished") -> list[Any]:
    return device.run(HEAD + textwrap.dedent(program), given or {}, ends)


def test_join_and_uplink(fipy: MakeDevice) -> None:
    device = fipy()
    program = """
    show(lora.up(settings(), "message"))
    show(told())
    show(lora.send(settings(_LORA_PORT=9), b"0123456789"))
    show(lora.down())
    """
    assert run(device, program) == [
        True,
        [1, "joined", ["init", "restore", "join"]],
        [1, "sent", None, 62, 0, 1],
        True,
    ]
    [heard] = device.emulator.lora.server.accepted
    assert (heard.counter, heard.port, heard.payload) == (0, 9, b"0123456789")
    assert device.board.meter.state("lora") in ("off", "sleep")


@pytest.mark.parametrize(
    "options",
    [
        {"gateway": False},
        {"joins_refused": 99},
        {"devices": [{"app_eui": "70B3D57ED0000001", "app_key": "00" * 16}]},
        {"devices": []},
    ],
    ids=["no gateway", "refused", "wrong key", "unknown"],
)
def test_join_in_vain(fipy: MakeDevice, options: dict[str, Any]) -> None:
    device = fipy(options)
    program = """
    show(lora.up(settings(), "message"))
    show(told()[:2])
    show(lora.send(settings(), b"x")[:2])
    show(lora.down())
    from utils import timing
    timing.sleep_ms(30000)
    """
    assert run(device, program) == [False, [0, "join_timeout"], [0, "not_joined"], True]
    heard = [each for each in device.emulator.lora.server.log if each.kind == "join"]
    assert len(heard) <= 4  # none behind down()
    assert device.board.meter.state("lora") in ("off", "sleep")


def test_second_join_behind_one_in_vain_does_not_hang(fipy: MakeDevice) -> None:
    device = fipy({"joins_refused": 1})
    program = """
    fast = settings(_MAX_CONNECTION_ATTEMPT_TIME_SEC=15)
    show(lora.up(fast, "message"))
    show(lora.down())
    show(lora.up(settings(_MAX_CONNECTION_ATTEMPT_TIME_SEC=40), "message"))
    show(lora.send(settings(), b"x").status)
    """
    assert run(device, program) == [False, True, True, 1]


@pytest.mark.both_runtimes
def test_session_lasts_over_deep_sleep(fipy: MakeDevice) -> None:
    device = fipy()
    device.give({"_LORA_CONFIRMED": True})
    device.put("main.py", HEAD + CYCLE)
    device.start(["main.py"], cycles=4)
    causes = [shown[0] for shown in device.shown[::2]]
    assert causes == ["joined", "restored", "restored", "restored"]
    assert [shown[1][:2] for shown in device.shown[::2]] == [[2, "confirmed"]] * 4
    signals = [[record[0] for record in shown[1]] for shown in device.shown[1::2]]
    assert signals == [["rs", "sn"]] * 4
    log = device.emulator.lora.server.log
    assert [each.kind for each in log] == ["join", "data", "data", "data", "data"]
    assert [each.counter for each in log[1:]] == [0, 1, 2, 3]
    assert all(each.accepted for each in log)
    # any other start ends it
    assert run(device, CYCLE, {}, "deepsleep")[0][0] == "joined"
    assert device.emulator.lora.server.log[-1].counter == 0


def test_confirmed_uplinks_get_lost(fipy: MakeDevice) -> None:
    device = fipy({"uplink_loss": 0.4, "downlink_loss": 0.2}, seed=3)
    program = """
    fields = {"_LORA_CONFIRMED": True, "_LORA_TX_RETRIES": 1}
    while not lora.up(settings(**fields), "message"):
        pass
    for number in range(12):
        result = lora.send(settings(**fields), bytes([number]))
        show([result.status, result.cause, result.trials])
    """
    shown = run(device, program)
    server = device.emulator.lora.server
    arrived = {heard.payload[0] for heard in server.accepted}
    for number, (status, cause, trials) in enumerate(shown):
        assert (status, cause) in ((2, "confirmed"), (1, "not_confirmed"))
        assert status == 1 or number in arrived  # nothing is claimed that is not so
        assert 1 <= trials <= 2
    assert {status for status, _, _ in shown} == {1, 2}
    assert 2 in {trials for status, _, trials in shown if status == 2}


def sent(device: Device) -> list[tuple[int, int]]:
    """(data rate, length of the frame) of all uplinks but join requests."""
    frames = [each for each in device.emulator.lora.gateway.uplinks if each.frame[0] >> 5]
    return [(each.rate_number, len(each.frame)) for each in frames]


SUB_BAND = """
fields = given()
lora.up(settings(**fields), "message")
show(lora.last_outcome().cause)
for number in range(12):
    lora.send(settings(**fields), bytes(20))
show(lora.down())
machine.deepsleep(600000)
"""


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize("region", ["US915", "AU915"])
def test_sub_band(fipy: MakeDevice, region: str) -> None:
    """Also in the restored session; another one of config.py ends it."""
    device = fipy({"region": region, "sub_band": 2})
    fields = {"_LORA_REGION": region, "_LORA_DR": 3, "_LORA_SUB_BAND": 2}
    device.give(fields)
    device.put("main.py", HEAD + SUB_BAND)
    device.start(["main.py"], cycles=2)
    assert device.shown == ["joined", True, "restored", True]
    lora = device.emulator.lora
    assert len(lora.server.accepted) == 24
    assert {each.channel for each in lora.gateway.uplinks} <= {*range(8, 16), 65}
    lora.options.sub_band = 5
    device.give({**fields, "_LORA_SUB_BAND": 5})
    device.start(["main.py"])
    assert device.shown == ["joined", True] and len(lora.server.accepted) == 36


def test_sub_band_after_an_uplink_in_vain(fipy: MakeDevice) -> None:
    """The firmware then enables all channels, also those without a frequency, and hangs."""
    device = fipy({"region": "US915", "sub_band": 2, "fluctuation_db": 0.0})
    program = """
    fields = {"_LORA_REGION": "US915", "_LORA_CONFIRMED": True, "_LORA_SUB_BAND": 2}
    lora.up(settings(**fields), "message")
    show([lora.send(settings(**fields), b"x").cause for number in range(24)])
    """
    lora = device.emulator.lora
    hear, lost = lora.server.hear, iter([0, 1, 1, 1])
    lora.server.hear = lambda *rest: (False, None) if next(lost, 0) else hear(*rest)
    assert run(device, program) == [["not_confirmed"] + ["confirmed"] * 23]


@pytest.mark.both_runtimes
def test_join_at_a_slow_rate_ends_before_the_firmware_blocks(fipy: MakeDevice) -> None:
    device = fipy({"gateway": False})
    program = """
    from utils import timing
    from machine import WDT
    timing.set_watchdog(WDT(timeout=12000))
    slow = settings(_LORA_DR=0, _MAX_CONNECTION_ATTEMPT_TIME_SEC=60)
    show([lora.up(slow, "message"), lora.last_outcome().cause, lora.down()])
    timing.sleep_ms(170000)
    show([lora.up(slow, "message"), lora.last_outcome().cause, lora.down(), lora.wait_s() > 100])
    timing.sleep_ms(170000)
    """
    assert run(device, program, ends="reset") == [
        [False, "join_timeout", True], [False, "join_timeout", True, True]
    ]  # fmt: skip
    assert [each.rate_number for each in device.emulator.lora.gateway.uplinks] == [0, 0]


def test_join_in_in865_at_the_configured_rate(fipy: MakeDevice) -> None:
    device = fipy({"region": "IN865", "snr_db": -16.5, "fluctuation_db": 0.0})
    told = run(device, 'show(lora.up(settings(_LORA_REGION="IN865", _LORA_DR=0), "message"))')
    assert told == [True]


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize(("data_rate", "size"), [(2, 100), (5, 242)])
def test_adr_and_mac_commands(fipy: MakeDevice, data_rate: int, size: int) -> None:
    """The length is checked at the rate of the session; answers that need the room go first."""
    device = fipy({"fluctuation_db": 0.0, "snr_db": 9.0})
    program = """
    given_ = given()
    fields = {"_LORA_ADR": True, "_LORA_DR": given_[0], "_LORA_DUTY_WAIT_SEC": 600}
    show([lora.up(settings(**fields), "message"), lora.metrics()])
    for number in range(6):
        lora.send(settings(**fields), b"x")
    show([lora.send(settings(**fields), bytes(given_[1]))[:2], lora.metrics() != []])
    """
    lora = device.emulator.lora
    if size == 242:
        answer = lora.server._commands
        six = iter([b"\x06"] * 6)  # DevStatusReq
        lora.server._commands = lambda *rest: answer(*rest) + next(six, b"")
    assert run(device, program, [data_rate, size]) == [[True, []], [[1, "sent"], True]]
    assert len(lora.server.accepted[-1].payload) == size
    assert sent(device)[-2:] == ([(5, 16), (5, 255)] if size == 242 else [(5, 14), (5, 113)])


@pytest.mark.both_runtimes
@pytest.mark.parametrize(("size", "rates"), [(100, [3, 3]), (51, [3, 3, 2])])
def test_trials_end_where_the_slower_rate_cannot_carry_the_payload(
    fipy: MakeDevice, size: int, rates: list[int]
) -> None:
    device = fipy({"fluctuation_db": 0.0})
    program = """
    fields = {"_LORA_CONFIRMED": True, "_LORA_DR": 3, "_LORA_DUTY_WAIT_SEC": 600}
    lora.up(settings(**fields), "message")
    result = lora.send(settings(**fields), bytes(given()))
    show([result.cause, result.trials, result.airtime_ms])
    """
    lora = device.emulator.lora
    hear = lora.server.hear
    lora.server.hear = lambda *rest: hear(*rest) if not rest[0][0] >> 5 else (False, None)
    airtime_ms = 1231 if size == 100 else 1479  # 2 x 615.4 ms; 2 x 390.1 + 698.4
    assert run(device, program, size) == [["not_confirmed", len(rates), airtime_ms]]
    assert sent(device) == [(rate, size + 13) for rate in rates]


@pytest.mark.both_runtimes
def test_repetitions_that_the_network_asks_for_are_charged(fipy: MakeDevice) -> None:
    device = fipy({"fluctuation_db": 0.0, "nb_trans": 3, "rx1_delay_s": 5})
    program = """
    fields = {"_LORA_ADR": True}
    lora.up(settings(**fields), "message")
    show([lora.send(settings(**fields), bytes(20)).trials for _ in range(10)])
    """
    [trials] = run(device, program)
    assert trials[:4] == [1] * 4 and trials[5:] == [3] * 5


def test_gpy(make_device: MakeDevice) -> None:
    program = """
    show(lora.set_keys(settings())[0])
    show([lora.up(settings(), "message"), told()[:2], lora.down(), lora.stop(), lora.metrics()])
    show(raised(lora.transport, "message"))
    """
    assert run(make_device(), program) == [
        None,
        [False, [-1, "no_radio"], True, True, []],
        ["OSError", "no LoRaWAN session for a message"],
    ]


def test_a_missing_file_of_ours_is_no_board_without_a_radio(fipy: MakeDevice) -> None:
    device = fipy()
    (device.flash / "networking/_lora_joins.py").unlink()
    program = """
    lora.up(settings(), "message")
    show([told(), lora.down()])
    """
    assert run(device, program) == [[[-1, "radio_error", ["init", "restore", "join"]], True]]
    assert "_lora_joins" in device.output


def test_example(fipy: MakeDevice) -> None:
    device = fipy()
    device.put("example.py", (ROOT / "examples" / "lora_simple.py").read_text(encoding="utf-8"))
    [cycle] = device.start(["example.py"])
    assert cycle.error is None
    assert "confirmed after 1 trial, on air 52 ms" in device.output
    assert device.output.endswith("off: True\n")
