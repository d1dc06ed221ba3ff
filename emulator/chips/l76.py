"""A Quectel L76-L, the GNSS receiver of a Pytrack, at I2C address 0x10: NMEA sentences.

Once a second it has a set of sentences; reading gives their bytes in turn, and LF where there is
nothing more. What is written is PMTK commands, whose lines may come in pieces; single bytes are
passed over. A first fix takes `cold_fix_s`, or `hot_fix_s` while it knows satellites of the last
two hours, which it does as long as its back-up supply lasts.
Source: Quectel L76 series hardware design, GNSS protocol specification 3.3, I2C application note;
which talkers a Pytrack shows, from its library, programs and issues (80, 293).

The truths: `latitude` and `longitude` in degrees, `altitude_m`, `speed_kmh`, `course_deg`;
`sky(t)`: 1 where it sees satellites, 0 where it does not. `utc_s` is UTC at power-on, in seconds
since 1970. `glonass = false`: all talkers are GP.

From memory: times to a fix, currents.
Assumed: it keeps 1 KB of sentences that nobody reads and loses what comes then (users of another
part with this chip, MT3333, speak of 0.5 to 1 KB); the satellites;
commands other than 101 to 104, 161, 220, 314, 414 and 605 are acknowledged without effect.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart
from emulator.chips.shield_lines import lines_of

ADDRESS = 0x10

_KEPT_BYTES = 1024
_EPHEMERIS_US = 7_200_000_000
_KINDS = ("GLL", "RMC", "VTG", "GGA", "GSA", "GSV")  # as fields of command 314
_ORDER = ("RMC", "VTG", "GGA", "GSA", "GSV", "GLL")
_1970 = datetime.datetime(1970, 1, 1)
_EPOCH = datetime.datetime(1980, 1, 6)  # of a receiver that knows no time
# Satellites: number, elevation, azimuth, carrier to noise
_GPS = ((2, 58, 121, 39), (5, 71, 250, 42), (7, 33, 300, 35), (13, 44, 61, 37), (15, 22, 43, 31),
        (30, 40, 215, 36), (29, 12, 331, 28))  # fmt: skip
_GLONASS = ((72, 51, 80, 36), (79, 36, 310, 34), (80, 63, 19, 38), (88, 15, 144, 27))
_ACQUIRES_MA, _TRACKS_MA, _STANDBY_MA, _BACKUP_MA = 25.0, 18.0, 0.5, 0.007
_RESTARTS = {"101": "hot", "102": "warm", "103": "cold", "104": "cold"}


def sentence(text: str) -> bytes:
    """With its frame and checksum: all characters between $ and * in an exclusive or."""
    checksum = 0
    for byte in text.encode():
        checksum ^= byte
    return f"${text}*{checksum:02X}\r\n".encode()


@dataclass(eq=False)
class L76(I2cPart):
    """One receiver; truths and faults may be changed at any time."""

    power_up_ms = (1.0, 20.0)
    start_ma = _ACQUIRES_MA
    standby_ma = _ACQUIRES_MA

    latitude: Truth = truth(52.3676)
    longitude: Truth = truth(4.9041)
    altitude_m: Truth = truth(12.0)
    speed_kmh: Truth = truth(0.0)
    course_deg: Truth = truth(0.0)
    sky: Truth = truth(1.0)
    glonass: bool = option(True)
    cold_fix_s: float = option(35.0)
    hot_fix_s: float = option(1.0)
    utc_s: float = option(1_772_366_400.0)  # 2026-03-01 12:00

    def __post_init__(self) -> None:
        self._known_us: int | None = None  # when it last had a fix, as its memory says
        self._has_memory = True
        self.awake = True
        super().__post_init__()
        self._power_on = _1970 + datetime.timedelta(seconds=self.utc_s)

    def forget(self) -> None:
        if not self._has_memory:
            self._known_us = None
        self._unread, self._is_full = bytearray(), False
        self._line = b""
        self._kinds = set(_KINDS)
        self._period_us = 1_000_000
        self._is_resting = False
        self._start("hot")

    def _start(self, how: str) -> None:
        now_us = self.board.clock.now_us
        if how == "cold":
            self._known_us = None
        known = self._known_us is not None and now_us - self._known_us < _EPHEMERIS_US
        self._fix_us = now_us + round((self.hot_fix_s if known else self.cold_fix_s) * 1e6)
        self._next_us = now_us + 300_000
        self._fixed = False
        self._unread += sentence("PMTK011,MTKGPS") + sentence("PMTK010,001")

    def memory(self, on: bool) -> None:
        """Its back-up supply."""
        self._has_memory = on
        if not on and not self.powered:
            self._known_us = None

    def wake(self, on: bool) -> None:
        """The shield's microcontroller puts it into standby, where nobody answers."""
        self.awake = on

    def acknowledges(self, reading: bool) -> bool:
        return self.awake and not self.busy

    # Transfers

    def command(self, data: bytes) -> None:
        self._is_resting = False
        self._line += data.replace(b"\0", b"")
        while b"\n" in self._line:
            line, _, self._line = self._line.partition(b"\n")
            self._obey(line.strip().decode("ascii", "replace"))
        self._line = self._line[-255:]

    def answer(self, count: int) -> bytes:
        self._catch_up()
        self._is_full = False
        taken, self._unread = self._unread[:count], self._unread[count:]
        return bytes(taken).ljust(count, b"\n")

    def _obey(self, line: str) -> None:
        text = line.partition("*")[0].removeprefix("$")
        if sentence(text).strip().decode() != line:
            return
        number, *fields = text.removeprefix("PMTK").split(",")
        if number.startswith("PQ"):  # Quectel's own: settings of sentences
            self._unread += sentence(",".join([number, *fields[:1], "OK"]))
            return
        if number in _RESTARTS:
            self._unread.clear()
            self._start(_RESTARTS[number])
            return
        if number == "605":
            self._unread += sentence("PMTK705,AXN_3.8_3333_16041118,0008,QUECTEL-L76L,1.0")
            return
        if number == "414":
            rates = [str(int(kind in self._kinds)) for kind in _KINDS] + ["0"] * 13
            self._unread += sentence("PMTK514," + ",".join(rates))
            return
        if number == "314":
            wanted = {kind for kind, rate in zip(_KINDS, fields, strict=False) if rate != "0"}
            self._kinds = set(_KINDS) if fields[:1] == ["-1"] else wanted
        elif number == "220" and fields and fields[0].isdigit():
            self._period_us = min(max(int(fields[0]), 100), 10_000) * 1000
        elif number == "161":
            self._is_resting = True
        self._unread += sentence(f"PMTK001,{number},3")

    # Sentences

    def _catch_up(self) -> None:
        now_us = self.board.clock.now_us
        if self._is_resting:
            self._next_us = max(self._next_us, now_us)
            return
        while self._next_us <= now_us and not self._is_full:
            one = b"".join(self._set(self._next_us))
            self._is_full = len(self._unread) + len(one) > _KEPT_BYTES
            self._unread += b"" if self._is_full else one
            self._next_us += self._period_us
            if self._known_us is not None:  # on the second
                self._next_us -= self._next_us % self._period_us
        if self._is_full:  # until somebody reads, what comes is lost
            self._next_us += (
                max(0, (now_us - self._next_us) // self._period_us + 1) * self._period_us
            )

    def _set(self, at_us: int) -> list[bytes]:
        """The sentences of one instant."""
        sees = self.sky(at_us / 1e6) >= 0.5
        if not sees:
            self._fix_us = max(self._fix_us, at_us + round(self.hot_fix_s * 1e6))
        fixed = sees and at_us >= self._fix_us
        if fixed:
            self._known_us = at_us
        if fixed != self._fixed:
            self._fixed = fixed
            self.draw("track" if fixed else "standby", _TRACKS_MA if fixed else _ACQUIRES_MA)
        texts = {kind: make(at_us, fixed) for kind, make in self._makers.items()}
        return [sentence(text) for kind in _ORDER if kind in self._kinds for text in texts[kind]]

    @property
    def _makers(self) -> dict[str, Any]:
        return {"RMC": self._rmc, "VTG": self._vtg, "GGA": self._gga, "GSA": self._gsa,
                "GSV": self._gsv, "GLL": self._gll}  # fmt: skip

    @property
    def _skies(self) -> list[tuple[str, tuple[tuple[int, int, int, int], ...]]]:
        return [("GP", _GPS), ("GL", _GLONASS)][: 1 + self.glonass]

    @property
    def _talker(self) -> str:
        return "GN" if self.glonass else "GP"

    def _clock(self, at_us: int) -> tuple[str, str]:
        """Time and date: from satellites, or since its start."""
        known = self._known_us is not None
        since = at_us if known else at_us - self.powered_us
        when = (self._power_on if known else _EPOCH) + datetime.timedelta(microseconds=since)
        return f"{when:%H%M%S}.{when.microsecond // 1000:03d}", f"{when:%d%m%y}"

    def _position(self, at_us: int, fixed: bool) -> str:
        """Degrees and minutes in four fields."""
        if not fixed:
            return ",,,"
        parts = []
        for course, digits, halves in ((self.latitude, 2, "NS"), (self.longitude, 3, "EW")):
            value = course(at_us / 1e6)
            minutes = round(abs(value) * 600_000)  # ten-thousandths
            parts.append(f"{minutes // 600_000:0{digits}d}{minutes % 600_000 / 10_000:07.4f}")
            parts.append(halves[value < 0])
        return ",".join(parts)

    def _motion(self, at_us: int, fixed: bool) -> tuple[float, float]:
        """Speed in km/h, course."""
        now_s = at_us / 1e6
        return (self.speed_kmh(now_s), self.course_deg(now_s) % 360) if fixed else (0.0, 0.0)

    def _rmc(self, at_us: int, fixed: bool) -> list[str]:
        time, date = self._clock(at_us)
        speed, course = self._motion(at_us, fixed)
        ends = ("A", "A") if fixed else ("V", "N")
        return [f"{self._talker}RMC,{time},{ends[0]},{self._position(at_us, fixed)},"
                f"{speed / 1.852:.2f},{course:.2f},{date},,,{ends[1]}"]  # fmt: skip

    def _vtg(self, at_us: int, fixed: bool) -> list[str]:
        speed, course = self._motion(at_us, fixed)
        mode = "A" if fixed else "N"
        return [f"GPVTG,{course:.2f},T,,M,{speed / 1.852:.2f},N,{speed:.2f},K,{mode}"]

    def _gga(self, at_us: int, fixed: bool) -> list[str]:
        start = f"GPGGA,{self._clock(at_us)[0]},{self._position(at_us, fixed)}"
        if not fixed:
            return [start + ",0,0,,,M,,M,,"]
        count = len(_GPS) + len(_GLONASS) * self.glonass
        return [f"{start},1,{count},0.92,{self.altitude_m(at_us / 1e6):.1f},M,46.5,M,,"]

    def _gsa(self, at_us: int, fixed: bool) -> list[str]:
        found = []
        for talker, sky in self._skies:
            used = [f"{each[0]:02d}" for each in sky] if fixed else []
            fields = [*used, *[""] * (12 - len(used))]
            fields += ["1.24", "0.92", "0.83"] if fixed else ["", "", ""]
            found.append(f"{talker}GSA,A,{3 if fixed else 1},{','.join(fields)}")
        return found

    def _gsv(self, at_us: int, fixed: bool) -> list[str]:
        found = []
        for talker, sky in self._skies:
            seen = sky if self.sky(at_us / 1e6) >= 0.5 else ()
            pages = [seen[first : first + 4] for first in range(0, len(seen), 4)] or [()]
            for number, page in enumerate(pages, 1):
                each = "".join(f",{n:02d},{up:02d},{way:03d},{cn}" for n, up, way, cn in page)
                found.append(f"{talker}GSV,{len(pages)},{number},{len(seen):02d}{each}")
        return found

    def _gll(self, at_us: int, fixed: bool) -> list[str]:
        state = "A,A" if fixed else "V,N"
        where = self._position(at_us, fixed)
        return [f"{self._talker}GLL,{where},{self._clock(at_us)[0]},{state}"]


def _connect(chip: L76, board: Board, table: dict[str, Any]) -> None:
    """backup_rail: the line of a shield that is its back-up supply, without which it always has
    one. standby_rail: it is low while the receiver is to sleep, without which it never does."""
    for key, call in (("backup_rail", chip.memory), ("standby_rail", chip.wake)):
        line = table.pop(key, "")
        if line:
            lines_of(board).watch(line, call)


plug = plugging.on_i2c(L76, ADDRESS, _connect)
