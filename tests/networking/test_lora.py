"""networking.lora over a stand-in for the firmware: keys, join, session, uplinks, contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from emulator.device_files import ROOT
from tests.networking.lora_firmware import (
    APP_EUI,
    APP_KEY,
    DEEPSLEEP,
    EUI,
    PWRON,
    SOFT,
    WDT,
    Board,
    Hang,
)

pytestmark = pytest.mark.usefixtures("firmware_gone")

OWN = EUI.hex()
OTHER = "70b3d54990000002"
KEY = bytes.fromhex(APP_KEY)


def configured(**fields: Any) -> SimpleNamespace:
    values: dict[str, Any] = {
        "_APP_EUI": APP_EUI,
        "_APP_KEY": APP_KEY,
        "_LORA_REGION": "EU868",
        "_MAX_CONNECTION_ATTEMPT_TIME_SEC": 30,
        **fields,
    }
    return SimpleNamespace(**{name: value for name, value in values.items() if value is not ...})


@pytest.fixture
def board() -> Board:
    return Board()


Joined = Callable[..., ModuleType]


@pytest.fixture
def joined(board: Board) -> Joined:
    def join(cause: int = PWRON, **fields: Any) -> ModuleType:
        lora = board.boot(cause)
        assert lora.up(configured(**fields), "message"), lora.last_outcome().cause
        return lora

    return join


# Keys


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({}, (EUI, APP_EUI, APP_KEY)),
        ({"_DEV_EUI": None}, (EUI, APP_EUI, APP_KEY)),
        ({"_DEV_EUI": OTHER.upper()}, (bytes.fromhex(OTHER), APP_EUI, APP_KEY)),
        ({"_DEV_EUIs": [OTHER, OWN]}, (EUI, APP_EUI, APP_KEY)),
        (
            {"_DEV_EUIs": (OTHER, OWN), "_APP_KEYs": ("00" * 16, "11" * 16)},
            (EUI, APP_EUI, "11" * 16),
        ),
        (
            {
                "_DEV_EUIs": [OWN, OTHER],
                "_APP_EUIs": ["22" * 8, "33" * 8],
                "_APP_KEYs": ["00" * 16, "11" * 16],
                "_APP_EUI": ...,
                "_APP_KEY": ...,
            },
            (EUI, "22" * 8, "00" * 16),
        ),
    ],
)
def test_keys(board: Board, fields: dict[str, Any], keys: tuple[bytes, str, str]) -> None:
    found = board.boot(PWRON).set_keys(configured(**fields))
    assert found == (keys[0], bytes.fromhex(keys[1]), bytes.fromhex(keys[2]))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"_APP_KEY": ...}, "_APP_KEY is missing in credentials.py; allowed: 32 hexadecimal"),
        ({"_APP_KEY": APP_KEY[:-1]}, "_APP_KEY = a text of 31 characters"),
        ({"_APP_KEY": "x" * 32}, "_APP_KEY = a text of 32 characters; allowed: 32 hexadecimal"),
        ({"_APP_KEY": KEY}, "_APP_KEY = no text"),
        ({"_APP_EUI": "70B3"}, "_APP_EUI = '70B3'; allowed: 16 hexadecimal digits"),
        ({"_DEV_EUI": 7}, "_DEV_EUI = 7; allowed: 16 hexadecimal digits"),
        ({"_DEV_EUIs": [OTHER]}, f"without {OWN}, the EUI of this board; it has: {OTHER}"),
        ({"_DEV_EUIs": []}, "_DEV_EUIs; allowed: a list"),
        ({"_DEV_EUIs": [None]}, r"_DEV_EUIs\[0\] = None"),
        ({"_DEV_EUIs": [OWN], "_APP_KEYs": []}, "_APP_KEYs; allowed: a list"),
        ({"_DEV_EUIs": [OWN], "_APP_KEYs": [APP_KEY] * 2}, "_APP_KEYs has 2; allowed: one for"),
        ({"_DEV_EUIs": [OWN], "_APP_KEYs": [APP_KEY + "00"]}, r"_APP_KEYs\[0\] = a text of 34"),
    ],
)
def test_wrong_keys(board: Board, fields: dict[str, Any], said: str) -> None:
    lora = board.boot(PWRON)
    with pytest.raises(ValueError, match=said) as caught:
        lora.set_keys(configured(**fields))
    assert APP_KEY[:-1] not in str(caught.value)
    if "this board" not in said:
        assert lora.problems(configured(**fields))[0] in str(caught.value)
        assert board.mac.made is None  # the radio was left alone


@pytest.mark.parametrize(
    "keys", [(EUI, EUI, KEY[:-1]), (EUI, b"", KEY), (b"1", EUI, KEY), ("70b3d549", EUI, KEY)]
)
def test_join_checks_the_keys(board: Board, keys: Any) -> None:
    with pytest.raises(ValueError, match="of lora_keys; allowed: (8|16) bytes") as caught:
        board.boot(PWRON).join(configured(), keys)
    assert APP_KEY.lower()[:6] not in str(caught.value).lower()
    assert board.mac.made is None


# Configuration


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"_LORA_REGION": "EU433"}, "_LORA_REGION = 'EU433'; allowed: 'EU868', 'US915'"),
        ({"_LORA_REGION": ...}, "_LORA_REGION is missing"),
        ({"_LORA_DR": 7}, "_LORA_DR = 7; allowed: an integer 0 to 6"),
        (
            {"_LORA_REGION": "IN865", "_LORA_DR": 6},
            "_LORA_REGION = 'IN865'; allowed: 0 to 5",
        ),
        (
            {"_LORA_REGION": "US915", "_LORA_DR": 0},
            "_LORA_REGION = 'US915'; allowed: 1 to 4",
        ),
        ({"_LORA_REGION": "AS923", "_LORA_DR": 2}, "'AS923'; allowed: 3 to 5, for uplinks of 4"),
        ({"_LORA_DR": 6}, "_LORA_DR = 6, _LORA_REGION = 'EU868'; allowed: 0 to 5"),
        ({"_LORA_SUB_BAND": 9}, "_LORA_SUB_BAND = 9; allowed: an integer 1 to 8"),
        ({"_LORA_SUB_BAND": 2}, "_LORA_SUB_BAND = 2, _LORA_REGION = 'EU868'; allowed: None, or a"),
        (
            {"_LORA_REGION": "AS923", "_LORA_ADR": True},
            "_LORA_ADR = True, _LORA_DR = 5, _LORA_REGION = 'AS923': a join leaves 11 bytes",
        ),
        (
            {"_LORA_REGION": "US915", "_LORA_ADR": True, "_LORA_DR": 3},
            "a join leaves 11 bytes; allowed: _LORA_DR = 4",
        ),
        ({"_LORA_CONFIRMED": 2}, "_LORA_CONFIRMED = 2"),
        ({"_LORA_PORT": 224}, "_LORA_PORT = 224"),
        ({"_MAX_CONNECTION_ATTEMPT_TIME_SEC": 0}, "_MAX_CONNECTION_ATTEMPT_TIME_SEC = 0"),
    ],
)
def test_wrong_configuration(board: Board, fields: dict[str, Any], said: str) -> None:
    lora = board.boot(PWRON)
    [problem] = lora.problems(configured(**fields))
    assert said in problem
    assert board.mac.made is None


def test_right_configuration(board: Board) -> None:
    lora = board.boot(PWRON)
    for region, data_rate in (("EU868", 0), ("US915", 1), ("AU915", 6), ("AS923", 3)):
        assert lora.problems(configured(_LORA_REGION=region, _LORA_DR=data_rate)) == []
    assert lora.problems(configured(_LORA_REGION="US915", _LORA_ADR=True, _LORA_SUB_BAND=8)) == []
    with pytest.raises(ValueError, match="_LORA_DR = 5, _LORA_REGION = 'US915'; allowed: 0 to 4"):
        lora.send(configured(_LORA_REGION="US915", _LORA_DR=5), b"x")
    with pytest.raises(ValueError, match="byte_msg = 'x'"):
        lora.send(configured(), "x")
    with pytest.raises(ValueError, match="kind = 'stream'; allowed: 'message'"):
        lora.up(configured(), "stream")


# Join


@pytest.mark.parametrize("region", ["EU868", "US915", "AU915", "AS923", "IN865"])
def test_join_at_a_data_rate_that_the_firmware_takes(joined: Joined, region: str) -> None:
    least, most, _ = joined().regions.data_rates(region)
    for data_rate in range(least, most + 1):
        joined(_LORA_REGION=region, _LORA_DR=data_rate)


def test_other_settings_after_a_failed_join_are_refused_not_hung_on(board: Board) -> None:
    lora = board.boot(PWRON)
    board.network.deaf = True
    assert not lora.up(configured(), "message")
    assert not lora.up(configured(_LORA_ADR=True), "message")
    assert lora.last_outcome().cause == "radio_stuck"
    with pytest.raises(Hang):  # as the firmware would
        board.mac.LoRa(mode=1, region=5)


# Session


def test_send_by_itself_saves_the_session(board: Board, joined: Joined) -> None:
    for cycle in range(3):
        lora = joined(DEEPSLEEP if cycle else PWRON)
        assert lora.send(configured(), b"x").status == lora.LORA_ACCEPTED  # and no down()
    assert board.network.sessions == [2] and board.network.replays == 0


def test_no_outdated_counter_is_restored(board: Board, joined: Joined) -> None:
    lora = joined()
    lora.send(configured(), b"x")  # saved
    lora.transport("message").sendto(b"x")  # has to be saved, too; and then it sleeps
    lora = joined(DEEPSLEEP)
    assert lora.last_outcome().cause == "restored"
    lora.send(configured(), b"x")

    def full(self: Any) -> None:
        raise OSError("the requested operation failed")

    board.mac.LoRa.nvram_save = full
    lora.send(configured(), b"x")
    lora = joined(DEEPSLEEP)
    assert lora.last_outcome().cause == "joined"
    lora.send(configured(), b"x")
    assert board.network.replays == 0 and board.network.sessions == [3, 0]


@pytest.mark.parametrize("cause", [PWRON, WDT, SOFT])
def test_session_ends_with_any_other_reset(board: Board, joined: Joined, cause: int) -> None:
    lora = joined()
    lora.send(configured(), b"x")
    lora.down()
    lora = joined(cause)
    assert lora.last_outcome().cause == "joined"
    assert len(board.network.sessions) == 2


def test_session_not_saved_is_not_restored(board: Board, joined: Joined) -> None:
    lora = joined()
    lora.send(configured(), b"x")
    lora.down()
    joined(DEEPSLEEP).transport("message").sendto(b"x")  # and then sleeps without down()
    assert joined(DEEPSLEEP).last_outcome().cause == "joined"
    assert board.network.replays == 0


def test_session_is_kept_within_a_run(joined: Joined, board: Board) -> None:
    lora = joined()
    lora.down()
    assert lora.up(configured(), "message") and lora.last_outcome().cause == "kept"
    assert lora.transport("message").sendto(b"x") == 1
    assert len(board.network.sessions) == 1


def test_session_that_the_server_lost_ends(board: Board, joined: Joined) -> None:
    fields = {"_LORA_CONFIRMED": True, "_LORA_TX_RETRIES": 0}
    joined(**fields).down()
    board.network.deaf = True
    for _ in range(8):
        lora = joined(DEEPSLEEP, **fields)
        assert lora.last_outcome().cause == "restored"
        assert lora.send(configured(**fields), b"x").cause == "not_confirmed"
    board.network.deaf = False
    lora = joined(DEEPSLEEP, **fields)
    assert lora.last_outcome().cause == "joined"
    assert lora.send(configured(**fields), b"x").status == lora.LORA_CONFIRMED
    assert joined(DEEPSLEEP, **fields).last_outcome().cause == "restored"


# Uplinks


def test_downlink(board: Board, joined: Joined) -> None:
    lora = joined()
    board.network.downlink = b"d" * 51
    transport = lora.transport("message")
    assert lora.metrics() == []
    assert transport.sendto(b"x") == 1 and transport.last.downlink == b"d" * 51
    assert lora.metrics() == [("rs", -97, 0, None), ("sn", 6, 0, None)]
    assert lora.send(configured(), b"x").downlink is None
    board.mac.received += [b"old"] * 3
    assert lora.send(configured(), b"x").downlink is None
    board.mac.received += [b"old"] * 1000
    assert lora.send(configured(), b"x").status == lora.LORA_ACCEPTED


def test_confirmed_uplink(board: Board, joined: Joined) -> None:
    fields = {"_LORA_CONFIRMED": True}
    transport = joined(**fields).transport("message")
    assert transport.confirms and transport.sendto(b"x") == 1 and transport.confirmed
    assert transport.last[:2] == (2, "confirmed")
    board.network.mute = True
    assert transport.sendto(b"y") == 1 and not transport.confirmed
    assert transport.last[:2] == (1, "not_confirmed") and transport.last.trials == 3
    board.network.mute = False
    assert transport.sendto(b"z") == 1 and transport.confirmed
    assert [payload for *_, payload in board.network.heard] == [b"x", b"y", b"z"]


@pytest.mark.parametrize(
    ("region", "data_rate", "limit"),
    [("EU868", 0, 51), ("EU868", 3, 115), ("EU868", 5, 242), ("US915", 0, 11), ("AS923", 3, 53)],
)
def test_too_long_is_refused_whole(
    board: Board, joined: Joined, region: str, data_rate: int, limit: int
) -> None:
    fields = {"_LORA_REGION": region, "_LORA_DR": data_rate, "_LORA_DUTY_WAIT_SEC": 600}
    lora = joined(**fields)
    assert lora.datagram_limit() == limit
    assert lora.send(configured(**fields), bytes(limit + 1))[:2] == (0, "too_long")
    assert board.network.heard == []
    assert lora.send(configured(**fields), bytes(limit)).status == 1
    assert len(board.network.heard[0][3]) == limit


def test_network_chose_a_lower_data_rate(board: Board, joined: Joined) -> None:
    fields = {"_LORA_ADR": True}
    lora = joined(**fields)
    board.network.data_rate = 0
    assert lora.datagram_limit() == 242
    assert lora.send(configured(**fields), bytes(100))[:2] == (0, "too_long")
    assert lora.datagram_limit() == 51
    assert lora.send(configured(**fields), bytes(51)).status == 1


@pytest.mark.parametrize("confirmed", [False, True])
def test_radio_without_an_end(board: Board, joined: Joined, confirmed: bool) -> None:
    fields = {"_LORA_CONFIRMED": confirmed, "_LORA_SOCKET_TIMEOUT": 5}
    lora = joined(**fields)
    board.mac.stuck = True
    start_us = board.us
    assert lora.send(configured(**fields), b"x")[:2] == (1, "timeout")
    assert board.us - start_us < 5_200_000 * (3 if confirmed else 1)
    assert lora.send(configured(**fields), b"x").cause == "not_joined"
    assert not lora.down()  # the firmware would take no command: it is handed none
    assert joined(DEEPSLEEP, **fields).last_outcome().cause == "joined"


@pytest.mark.parametrize("number", [11, 115, 122, 5, "text"])
def test_error_of_the_firmware_is_a_cause(board: Board, joined: Joined, number: Any) -> None:
    lora = joined()

    def send(*rest: Any) -> int:
        raise OSError(number)

    board.mac.send = send
    causes = {11: "radio_busy", 115: "not_joined", 122: "too_long"}
    assert lora.send(configured(), b"x").cause == causes.get(number, "radio_error")
    assert lora.transport("message").sendto(b"x") == 0


# Duty cycle


def test_duty_cycle_refuses_and_tells_when(board: Board, joined: Joined) -> None:
    fields = {"_LORA_DR": 0, "_LORA_DUTY_WAIT_SEC": 0}
    lora = joined(**fields)
    results = [lora.send(configured(**fields), bytes(51)) for _ in range(8)]
    sent = [result for result in results if result.status]
    assert 4 <= len(sent) < 8 and sent[0].airtime_ms == 2794
    refused = results[-1]
    assert refused[:2] == (0, "duty_cycle") and 0 < refused.wait_ms < 560_000
    lora.down()
    lora = board.boot(DEEPSLEEP, slept_s=refused.wait_ms // 1000 - 20)
    assert lora.up(configured(**fields), "message")
    assert lora.send(configured(**fields), bytes(51)).cause == "duty_cycle"
    board.feed()
    lora.down()
    lora = board.boot(DEEPSLEEP, slept_s=30)
    assert lora.up(configured(**fields), "message")
    assert lora.send(configured(**fields), bytes(51)).status == 1


def test_duty_cycle_is_waited_for_if_that_is_short(board: Board, joined: Joined) -> None:
    lora = joined(_LORA_DR=5)
    start_us = board.us
    while board.us - start_us < 3_000_000_000:
        assert lora.send(configured(_LORA_DUTY_WAIT_SEC=20), bytes(25)).status == 1
    airtime_us = sum(us for _, us in board.on_air)
    assert 30_000_000 < airtime_us < 36_000_000


@pytest.mark.parametrize(("data_rate", "cuts"), [(0, False), (5, False), (0, True)])
def test_joins_in_vain_back_off_over_wakes_and_power_cuts(
    board: Board, data_rate: int, cuts: bool
) -> None:
    """LoRaWAN 1.0.2, 7: 36 s on air in the first hour, 36 s in the next ten, then 8.7 s a day."""
    board.network.deaf = True
    sent: list[tuple[int, int]] = []
    powered_s = 0  # the time for which a cut is no pause
    for cycle in range(144):
        cut = cuts and cycle % 5 == 4
        powered_s += 0 if cut else 880
        lora = board.boot(PWRON if cut or not cycle else DEEPSLEEP, slept_s=880)
        assert not lora.up(configured(_LORA_DR=data_rate), "message")
        assert lora.down() and lora.last_outcome().cause in ("join_timeout", "duty_cycle")
        assert board.us - board.fed < 5_000_000
        sent += [(powered_s + at_us // 1_000_000, us) for at_us, us in board.on_air]
        board.on_air.clear()
        powered_s += board.us // 1_000_000
        assert lora.wait_s() <= 17_280
    at_s = [each - sent[0][0] for each, _ in sent]
    limits = (0, 3600, 36e6), (3600, 39_600, 36e6), (39_600, 126_000, 8.7e6)
    for begin_s, end_s, most_us in limits if not cuts else ():
        on_air = [us for each, (_, us) in zip(at_s, sent, strict=True) if begin_s <= each < end_s]
        assert 0 < sum(on_air) <= most_us
    gaps = [late - early for early, late in zip(at_s, at_s[1:], strict=False) if early > 39_600]
    assert min(gaps) >= (2400 if data_rate or cuts else 17_280)
    assert max(gaps) < (2 * 3600 if data_rate else 5 * 3600 + 60) or cuts
    assert len(sent) < (60 if data_rate else 26)
    lora = board.boot(PWRON)  # with a node time a cut costs nothing
    lora.node_time(50_000)
    lora.up(configured(_LORA_DR=data_rate), "message")
    wait_s = lora.wait_s()
    lora = board.boot(PWRON)
    lora.node_time(51_000)
    lora.up(configured(_LORA_DR=data_rate), "message")
    assert wait_s - 1000 <= lora.wait_s() + 15 <= wait_s - 970
    board.network.deaf = False
    board.nvs["lora_joins"] = "damaged"
    lora = board.boot(PWRON)
    assert lora.up(configured(_LORA_DR=data_rate), "message") and board.nvs["lora_joins"] == ""


# Rest of the contract


def test_stop(board: Board) -> None:
    assert board.boot(PWRON).stop() and board.mac.power == 2
    lora = board.boot(PWRON)
    board.mac.LoRa(mode=1, region=5)
    board.mac.failed = True
    assert lora.stop() and board.mac.power == 2  # without initialising it: that hangs


def test_down_without_up(board: Board) -> None:
    lora = board.boot(PWRON)
    assert lora.down() and board.mac.made is None
    assert lora.carries(configured()) == ("message",)
    assert lora.datagram_limit() == 51


def test_session_that_cannot_be_saved(board: Board, joined: Joined) -> None:
    lora = joined()

    def fails(self: Any) -> None:
        raise OSError("the requested operation failed")

    board.mac.LoRa.nvram_save = fails
    assert lora.send(configured(), b"x").status == 1
    assert not lora.down() and board.mac.power == 2


def test_log_tells_no_key(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    lora = board.boot(PWRON)
    board.network.devices = {}
    lora.up(configured(), "message")
    lora.down()
    printed = capsys.readouterr().out
    assert "join_timeout" in printed and APP_KEY.lower() not in printed.lower()


def test_every_cause_is_explained() -> None:
    page = (ROOT / "docs" / "lora.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\|((?: ?`[a-z_]+`,?)+) \|", page, re.MULTILINE))
    words = set(re.findall(r"`([a-z_]+)`", " ".join(explained)))
    found = set()
    for path in (ROOT / "networking").glob("_lora_*.py"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:Failed\(|cause = (?:\d, )?)"([a-z_]+)"', source))
        found |= set(re.findall(r'\d+: "([a-z_]+)"', source))
    assert {"restored", "radio_busy", "too_long", "not_confirmed"} <= found <= words
