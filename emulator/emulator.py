"""The whole emulation put together: board, modem, network, chips and a VM, run cycle by cycle.

    with Emulator(scenario="fair", routes=["[2001:db8::1]:5683=[::1]:40000"]) as emulator:
        cycles = emulator.run(["boot.py", "main.py"], cycles=3)

A cycle begins when the ESP32 starts (power, reset, or the end of a deep sleep) and ends with the
sleep behind it; its account is a `Cycle`. The modem, the flash, the NVS and the clock go on.
"""

from __future__ import annotations

import calendar
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from emulator import scenario as scenarios
from emulator.board.board import (
    CAUSE_NAMES,
    DEEPSLEEP_RESET,
    PWRON_RESET,
    Board,
    DeepSleep,
    Halt,
    PowerCut,
    Reset,
)
from emulator.board.constants import CODE, ESTIMATE, MEASURED, constant
from emulator.board.draws import Z90, drawn
from emulator.board.pins import SAFE_BOOT
from emulator.board.secrets import Secrets
from emulator.board.standard import plug_standard
from emulator.chips.of_lines import tables
from emulator.chips.wiring import wire
from emulator.cycle import Cycle, Phase, kept_memory, read_account
from emulator.device_files import copy_device_files
from emulator.driver.lte import LteDriver
from emulator.lorawan.device import Lora
from emulator.modem.modem import Modem
from emulator.modem.uart import Uart
from emulator.network import serving
from emulator.network.cell import Cell
from emulator.network.internet import Internet
from emulator.network.ip import Ip
from emulator.network.routes import Routes
from emulator.network.tls import Tls
from emulator.network.wifi.wlan import Wlan
from emulator.vm.cpython import CpythonVm
from emulator.vm.guard import limit_time
from emulator.vm.micropython import MicroPythonVm
from emulator.vm.runtime import Outcome

# Reset to the first line of Python, in seconds: 10th, 50th, 90th percentile (docs/emulation.md)
BOOT_S = constant(
    (0.8, 1.1, 1.6), "s", ESTIMATE, "without Wi-Fi, Pybytes and LTE; no source found"
)
# the firmware starts Wi-Fi before it mounts the flash
WIFI_SHARE = constant(0.8, "share", ESTIMATE, "of the boot; the order is that of mptask.c")
# whole board, modem not counted: any code, any wait
RUN_MA = constant(41.0, "mA", MEASURED, "FiPy 30 mA at 5 V, Pycom forum 28136; 32 to 50 possible")
DEEPSLEEP_MA = constant(0.022, "mA", MEASURED, "FiPy 19 to 22 uA, Pycom forum 28136")
TAIL_US = 60_000_000  # of a sleep that nothing ends: what the modem needs to come to rest
SENT_US = 10_000_000  # how long it is watched for what it has sent last
PROMPT_US = 3_600_000_000  # how long a board is watched that stands at its prompt
# The boot loader looks at the pin twice, and waits while it is high: 3 s for each older image, and
# 1.5 s (Pycom firmware, esp32/bootloader/bootmgr.c)
SAFE_BOOT_US = constant(100_000, "us", CODE, "Pycom firmware, esp32/bootloader/bootmgr.c")
SAFE_BOOT_MOST_US = constant(7_500_000, "us", CODE, "Pycom firmware, esp32/bootloader/bootmgr.c")

VMS = ("cpython", "micropython")

Console = Callable[[str], None]


def _in_real_time(step_us: int) -> None:
    time.sleep(step_us / 1e6)


class Runtime(Protocol):
    """What runs the programs of the device, boot after boot."""

    def boot(self, scripts: list[str] | None = None) -> Outcome: ...

    def run_script(self, path: str) -> Outcome: ...

    def idle(self, duration_us: int) -> Outcome: ...

    def busy(self) -> bool: ...

    def shutdown(self) -> None: ...


class Emulator(AbstractContextManager["Emulator"]):
    """One emulated board for a run; `close` it, or use it as a context manager."""

    def __init__(
        self,
        *,
        scenario: str | Path | scenarios.Scenario = "good",
        seed: int = 1,
        firmware: str = "1.20.2.r4",
        name: str = "GPy",
        flash: Path | None = None,
        routes: Sequence[str] = (),
        serve: Sequence[str] = (),
        install: str = "py",
        console: Console = lambda text: None,
        realtime: bool = False,
        max_hours: float | None = None,
        vm: str = "cpython",
        vm_command: Sequence[str] = (),
        chips: Mapping[str, dict[str, Any]] | None = None,
        config: Mapping[str, Any] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        """serve: texts of emulator/network/serving.py: where programs of this computer reach ports
        of the board; virtual time is real time from the first listening on one of them on.

        vm: one of VMS. vm_command: a MicroPython to run instead of the WebAssembly build.

        chips: tables as in [chips] of a scenario, of what hangs on this board in each scenario:
        radios other than the board's own. A table of the scenario is laid over them.

        config: the fields of config.py, whose lines say which chips there are; None: the default.
        secrets: values that are to stand in no trace and no account. The console shows them if a
        program prints them.
        """
        given = scenario if isinstance(scenario, scenarios.Scenario) else scenarios.load(scenario)
        self.scenario = given
        self._folder = tempfile.TemporaryDirectory(prefix="flash-") if flash is None else None
        if self._folder is not None:
            flash = Path(self._folder.name)
            copy_device_files(flash)
        assert flash is not None
        self.flash = flash
        self.board = Board(seed, name, firmware, given.faults, given.board.build)
        self.board.trace.secrets = Secrets(secrets)
        if max_hours is not None:
            limit_time(self.board, round(max_hours * 3_600_000_000))
        if realtime:
            self.board.clock.pace = _in_real_time
        of_board = given.board
        plug_standard(self.board, flash, fs_type=of_board.fs_type, rtc_drift=of_board.rtc_drift)
        if of_board.sd:
            slot: Any = self.board.services["sd"]
            slot.insert(Path(of_board.sd), of_board.sd_mb)
        self._plug_modem(routes)
        self.routes.serving.update(map(serving.parsed, serve))
        self.routes.pace = _in_real_time
        self._plug_wifi()
        self.radios = ("lora", *(chips or {}))
        measured = {} if config is None else tables(config, given.chips)
        wire(self.board, given.chips, {**(chips or {}), **measured})
        self.vm = self._runtime(vm, vm_command, flash, console, install)

    def _runtime(
        self, vm: str, command: Sequence[str], flash: Path, console: Console, install: str
    ) -> Runtime:
        if vm == "cpython":
            return CpythonVm(self.board, flash, console, install=install)
        if vm == "micropython":
            return MicroPythonVm(self.board, flash, console, install=install, command=command)
        raise ValueError(f"vm = {vm!r}; allowed: {', '.join(VMS)}")

    def _plug_modem(self, routes: Sequence[str]) -> None:
        board, given = self.board, self.scenario
        self.uart = Uart(board)
        self.cell = Cell(board, given.network, given.radio)
        self.routes = Routes(board, Routes.parse(routes))
        self.modem = Modem(board, self.uart, self.cell, given.modem, given.sim, self.routes)
        floating = given.modem.rts_in_deepsleep == "asserted"
        self.driver = LteDriver(board, self.uart, self.modem, floating, given.modem.uart1)
        board.plug("lte", self.driver)
        dns = given.network.dns_ipv4
        self.lora = Lora(board, given.lora, self.routes) if board.name == "FiPy" else None
        if self.lora is not None:
            board.plug("lora", self.lora)
        board.plug("socket", Ip(board, self.routes, self.modem.radio, dns))
        board.plug("tls", Tls(board))
        self.internet = Internet(board, self.routes)
        board.plug("internet", self.internet)

    def _plug_wifi(self) -> None:
        self.wlan = Wlan(self.board, self.scenario.wifi)
        self.board.plug("wlan", self.wlan)
        ip: Any = self.board.services["socket"]
        ip.nics += [self.wlan, self.wlan.own]  # PPP goes first while it is up

    def utc_s(self) -> int:
        """Seconds since 1970 of the emulated world, for servers that tell the time."""
        return calendar.timegm(self.cell.utc().timetuple())

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self.vm.shutdown()
        self.routes.close()
        if self._folder is not None:
            self._folder.cleanup()

    def run(
        self,
        scripts: Sequence[str] = ("boot.py", "main.py"),
        cycles: int = 1,
        cause: int = PWRON_RESET,
    ) -> list[Cycle]:
        """Start the board; run until `cycles` cycles are over or it stays awake at its prompt.

        cause: of the first start. `next_cause` is that of the start that would follow; None: none.
        """
        done: list[Cycle] = []
        self.next_cause: int | None = cause
        while self.next_cause is not None and len(done) < cycles:
            cycle, self.next_cause = self._cycle(list(scripts), self.next_cause)
            done.append(cycle)
        return done

    def _cycle(self, scripts: list[str], cause: int) -> tuple[Cycle, int | None]:
        """Run one cycle. Returns its account, and what starts the next one; None: nothing does."""
        board = self.board
        account = _Account(self, cause)
        board.meter.set("esp", "run", RUN_MA)
        board.cycle += 1
        board.reset(cause)
        try:
            safe_boot = self._start()
            boot_ms = account.elapsed_ms()
            outcome = self._run(scripts, safe_boot)
        except Halt as ended:  # before Python ran
            boot_ms, outcome = account.elapsed_ms(), Outcome(ended.kind, ended)
        outcome = self._stand(outcome)
        cycle = account.close(outcome, boot_ms)
        halt = outcome.halt
        if isinstance(halt, DeepSleep):
            halt = self._sleep(halt)
        if isinstance(halt, PowerCut):
            self.modem.cut_power()
        account.settle(cycle)
        return cycle, halt.cause if isinstance(halt, Reset) else None

    def _start(self) -> bool:
        """What boot loader and firmware do before Python runs; whether it is a safe boot."""
        board = self.board
        settings: Any = board.services["config"]
        safe_boot: bool = settings.safe_boot(self._wait_for_safe_boot())
        rng = board.rng(f"boot/{board.cycle}")
        boot_us = round(drawn(rng, BOOT_S, 2.0 * Z90) * 1e6)
        wifi_us = round(boot_us * WIFI_SHARE)
        board.spend_us(wifi_us)
        self.wlan.start_on_boot()
        board.spend_us(boot_us - wifi_us)
        if settings.flags["lte_modem_en_on_boot"]:  # the last step before boot.py (mptask.c)
            self.driver.start_on_boot()
        return safe_boot

    def _wait_for_safe_boot(self) -> bool:
        """What the boot loader does with the safe boot pin: a level that is high at once and after
        100 ms counts, and is waited for as long as it lasts."""
        pins: Any = self.board.services["pins"]
        if not pins.level(SAFE_BOOT):
            return False
        self.board.spend_us(SAFE_BOOT_US)
        if not pins.level(SAFE_BOOT):
            return False
        clock = self.board.clock
        clock.run_until(
            clock.now_us + SAFE_BOOT_MOST_US,
            lambda: self.board.halted() or not pins.level(SAFE_BOOT),
        )
        self.board.trace.add("boot", f"safe boot: {SAFE_BOOT} is high")
        return True

    def _run(self, scripts: list[str], safe_boot: bool) -> Outcome:
        if safe_boot:
            halt = self.vm.boot([]).halt
            return Outcome("safe_boot", halt, "boot.py and main.py do not run in a safe boot")
        if scripts[0] == "boot.py":
            return self.vm.boot(scripts)
        return self.vm.run_script(scripts[0])

    def _stand(self, outcome: Outcome) -> Outcome:
        """A program that ends without sleeping leaves the board at its prompt, where alarms and
        threads go on and an armed watchdog bites."""
        until_us = self.board.clock.now_us + PROMPT_US
        while outcome.halt is None and self.vm.busy() and self.board.clock.now_us < until_us:
            later = self.vm.idle(1_000_000)
            outcome = Outcome(later.kind, later.halt, outcome.error) if later.halt else outcome
        until_us = self.board.clock.now_us + SENT_US
        while (
            outcome.halt is None and self.routes.under_way and self.board.clock.now_us < until_us
        ):
            self.board.clock.advance(SENT_US // 1000)
        return outcome

    def _sleep(self, sleep: DeepSleep) -> Halt | None:
        """Let the time of a deep sleep pass. What ends it: its end or a wake-up pin, a brown-out,
        the time of the run; None: nothing."""
        board = self.board
        board.trace.add("sleep", f"{sleep.duration_ms} ms")
        board.meter.set("esp", "deepsleep", DEEPSLEEP_MA)
        system: Any = board.services["system"]
        woken = system.sleep_through(sleep.duration_ms)
        if board.halt is None and not woken:
            board.clock.advance(TAIL_US, board.halted)
        if board.halt is None and woken:
            board.halt = Reset(DEEPSLEEP_RESET, "woken")
        return board.halt


class _Account:
    """Takes the counters at the start of a cycle and makes the Cycle of their differences."""

    def __init__(self, emulator: Emulator, cause: int) -> None:
        self._emulator = emulator
        self._cause = cause
        self._start = self._read()
        emulator.driver.take_counters()
        emulator.wlan.take_furthest()
        self._attaches = emulator.cell.attaches
        self._registered = emulator.modem.emm.registered
        self._sent = len(emulator.routes.sent)
        self._traced = len(emulator.board.trace.entries)
        emulator.routes.missing.clear()
        self._kept = kept_memory(emulator.board)
        self._sleep_mj = 0.0

    def _read(self) -> dict[str, float]:
        emulator = self._emulator
        meter = emulator.board.meter
        radios_ms = sum(
            meter.time_ms(radio, state) for radio in emulator.radios for state in ("tx", "rx")
        )
        lora_bytes = emulator.lora.gateway.air_bytes if emulator.lora is not None else 0
        return {
            "us": emulator.board.clock.now_us,
            "mj": emulator.board.meter.energy_mj(),
            "radio": emulator.board.meter.time_ms("radio", "on") + emulator.wlan.on_ms + radios_ms,
            "uart": emulator.uart.host_bytes + emulator.uart.modem_bytes,
            "air": emulator.cell.air_bytes_up
            + emulator.cell.air_bytes_down
            + emulator.wlan.air.bytes_up
            + emulator.wlan.air.bytes_down
            + lora_bytes
            + emulator.internet.air_bytes,
        }

    def elapsed_ms(self) -> int:
        return int(self._emulator.board.clock.now_us - self._start["us"]) // 1000

    def close(self, outcome: Outcome, boot_ms: int) -> Cycle:
        """The program has ended."""
        emulator = self._emulator
        link = emulator.driver.link
        counters = emulator.driver.take_counters()
        kept = kept_memory(emulator.board)
        account = read_account(kept)
        if account == read_account(self._kept):  # of an earlier cycle
            account = {}
        cycle = Cycle(CAUSE_NAMES[self._cause], int(self._start["us"]))
        cycle.ended = outcome.kind
        cycle.error = outcome.error or _why(outcome)
        cycle.link, cycle.start = link, self._begun(link)
        cycle.awake_ms = self.elapsed_ms()
        cycle.status = max(counters["furthest"], emulator.wlan.take_furthest())
        cycle.at_exchanges = counters["at_exchanges"]
        cycle.cause = str(account.get("cause", ""))
        cycle.accepted = account.get("accepted")
        cycle.confirmed = account.get("delivered")
        cycle.left = account.get("left")
        cycle.waiting = account.get("waiting")
        cycle.given_up = account.get("given_up")
        cycle.batch = account.get("batch")
        cycle.phases = [Phase("boot", 0, boot_ms)]
        noted = [Phase(*phase) for phase in account.get("phases", [])]
        if noted:  # until the first one Python loads what it needs
            cycle.phases += [Phase("load", boot_ms, noted[0].start_ms - boot_ms), *noted]
        self._sleep_mj = emulator.board.meter.energy_mj("esp")
        return cycle

    def _begun(self, link: str | None) -> str | None:
        """How the connection of this cycle began, as the network and the modem have it."""
        if link is None:
            return None
        if self._emulator.cell.attaches > self._attaches:
            return "cold"
        return "resumed" if self._registered else None

    def settle(self, cycle: Cycle) -> None:
        """The sleep is over: what the modem did after the program's end belongs to the cycle,
        what the board itself drew asleep does not."""
        end = self._read()
        cycle.radio_on_ms = int(end["radio"] - self._start["radio"])
        cycle.uart_bytes = int(end["uart"] - self._start["uart"])
        cycle.air_bytes = int(end["air"] - self._start["air"])
        slept_mj = self._emulator.board.meter.energy_mj("esp") - self._sleep_mj
        cycle.energy_mj = end["mj"] - self._start["mj"] - slept_mj
        cycle.sent = self._emulator.routes.sent[self._sent :]
        cycle.secrets = self._emulator.board.trace.secrets
        cycle.unrouted = list(self._emulator.routes.missing)
        since = self._emulator.board.trace.entries[self._traced :]
        used = {entry.text: None for entry in since if entry.kind == "missing"}
        cycle.not_emulated = list(used)


def _why(outcome: Outcome) -> str | None:
    """What to say of an end that is neither a sleep nor a plain end nor an uncaught exception."""
    if isinstance(outcome.halt, Reset):
        return f"reset: {outcome.halt.why}"
    if outcome.kind not in ("deepsleep", "finished"):
        return str(outcome.halt)
    return None
