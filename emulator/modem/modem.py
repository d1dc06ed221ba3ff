"""The emulated Sequans Monarch 1 with its NB-IoT image, as the ESP32 meets it on the UART.

    modem = Modem(board, uart, cell, ModemOptions(), SimOptions(), routes)
    uart.set_rts(True)
    uart.write(b"AT+CEREG?\\r")

Nothing reaches it but bytes and RTS; nothing leaves it but bytes. Families of commands
(emulator/modem/commands) find here what they share.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.clock import Event
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.board.draws import drawn
from emulator.modem.command_faults import CRASH_FILE
from emulator.modem.commands import families
from emulator.modem.emm import Emm
from emulator.modem.engine import Command, Line, Raw
from emulator.modem.family import Family
from emulator.modem.modem_faults import ModemFaults
from emulator.modem.nv import Nv
from emulator.modem.options import ModemOptions, SimOptions
from emulator.modem.output import Output
from emulator.modem.pdn import Pdn
from emulator.modem.power import Power
from emulator.modem.radio import Radio
from emulator.modem.session import Session
from emulator.modem.sim import Sim
from emulator.modem.sockets.table import SocketTable
from emulator.modem.uart import Uart
from emulator.modem.waking import Waking
from emulator.network.cell import Cell
from emulator.network.routes import Routes

BOOT_S = constant(
    (2.3, 3.5, 6.0), "s", ESTIMATE, "restart to +SYSSTART; public drivers wait 2 to 5 s"
)


RECOVERY_BAUD = constant(115_200, "baud", CODE, "1.20.2.r4 lteppp.c, lteppp_check_ffh_mode")
# from the OK of a restart to +SHUTDOWN
SHUTDOWN_MS = constant(
    (100.0, 500.0),
    "ms",
    ESTIMATE,
    "apart from the OK: together deinit(reset=True) would take 19 s, in the field it takes 5",
)


NEVER_MS = 10**9  # +SQNIPSCFG=0: the interface does not rest


class Modem:
    def __init__(
        self,
        board: Board,
        uart: Uart,
        cell: Cell,
        options: ModemOptions,
        sim: SimOptions,
        routes: Routes | None = None,
    ) -> None:
        self.board = board
        self.uart = uart
        self.cell = cell
        self.options = options
        self.routes = routes or Routes(board)
        self.nv = Nv.delivered(options, cell.known)
        self.power = Power(board, cell, options)
        self.output = Output(board, uart, options.chunk_bytes, options.chunk_gap_ms)
        self.session = Session(
            board, self.output, options.second_line, 1000 * options.prompt_timeout_s
        )
        self.waking = Waking(self)
        self.radio = Radio(board, cell, self.power, options.off_drops_queue)
        self.sim = Sim(board, sim)
        self.pdn = Pdn(self.nv, cell.network)
        self.emm = Emm(self)
        self.sockets = SocketTable(self)
        self.data_sink: Callable[[bytes], None] = lambda data: None  # opaque bytes of data mode
        self.on_data_end: Callable[[], None] = lambda: None  # the PPP session is over
        self.on_break: Callable[[], None] = lambda: None  # the line break of +SQNIBRCFG
        # T3324 and T3412 extended as granted, as octets of bits; None: no power saving, and in
        # place of the second: the network's usual one
        self.granted_timers: tuple[str, str | None] | None = None
        self.powered = False  # supplied and past its start: the AT server is there
        self._muted_until_us: int | None = 0  # None: for ever
        self._life = 0  # counts restarts: timers of an earlier life are void
        self._boots = 0
        self.families: list[Family] = families(self)
        for family in self.families:
            self.session.commands.update(family.commands())
        self.tell("on_reset")
        self._wire()
        self._faults = ModemFaults(self)
        self._begin()

    # what families and others read

    @property
    def cfun(self) -> int:
        return self.power.cfun

    @property
    def stat(self) -> int:
        return self.emm.stat

    @property
    def registered(self) -> bool:
        return self.emm.registered

    @property
    def attached(self) -> bool:
        return self.emm.attached

    @property
    def muted(self) -> bool:
        return self._muted_until_us is None or self.board.clock.now_us < self._muted_until_us

    @property
    def cell_reachable(self) -> bool:
        """There is a cell, its band is on the modem's list, and its operator may be used."""
        network = self.cell.network
        allowed = self.nv.operator in ("", network.plmn)
        return self.cell.in_coverage and network.band in self.nv.bands and allowed

    def pdn_addresses(self, cid: int) -> dict[str, str]:
        return self.pdn.addresses(cid)

    # what families and others do

    def urc(self, text: Line) -> None:
        """Tell the host something, between answers or inside the gaps of one."""
        if self.powered:
            self.output.urc(text)

    def after_ms(self, delay_ms: float, call: Callable[[], None]) -> Event:
        """Call later, unless the modem restarts before."""
        life = self._life

        def guarded() -> None:
            if life == self._life:
                call()

        return self.board.clock.schedule_ms(delay_ms, guarded)

    def tell(self, hook: str, *args: int) -> None:
        for family in self.families:
            getattr(family, hook)(*args)

    def set_cfun(self, new: int) -> None:
        """Change the functionality; a detach that belongs to it is over."""
        self.power.cfun = new
        self.sim.power(new != 0)
        if new != 1:
            self.radio.stop()
        self.power.update()

    def pdn_down(self, cid: int) -> None:
        if cid in self.pdn.active:
            self.pdn.deactivate(cid)
            self.tell("on_pdn_down", cid)

    def pdn_all_down(self) -> None:
        for cid in sorted(self.pdn.active):
            self.pdn_down(cid)

    # data mode

    @property
    def in_data_mode(self) -> bool:
        return self.session.data.active

    # starting and stopping

    def shut_down(self, cfun: int | None = None) -> None:
        """Restart by command: +SHUTDOWN a moment behind its OK, then as `reboot`."""

        def down() -> None:
            self.urc("+SHUTDOWN")
            self.reboot(cfun)

        rng = self.board.rng(f"modem/shutdown/{self._boots}")
        self.after_ms(rng.uniform(*SHUTDOWN_MS), down)

    def reboot(self, cfun: int | None = None) -> None:
        """Restart, without a word before; `cfun` as afterwards."""
        self._down()
        self.power.booting = True
        self.power.update()
        self._boots += 1
        rng = self.board.rng(f"modem/boot/{self._boots}")
        boot_ms = self.options.boot_ms or 1000.0 * drawn(rng, BOOT_S)
        if cfun is None:
            cfun = int(self.nv.autostart)
        self.after_ms(boot_ms, lambda: self._booted(cfun))

    def switch_off(self) -> None:
        """No supply, or +SQNSSHDN: nothing but `switch_on` brings it back."""
        self._down()
        self.power.supplied = False
        self.power.update()

    def switch_on(self) -> None:
        if not self.power.supplied:
            self.power.supplied = True
            self.reboot()

    def cut_power(self) -> None:
        """The supply is gone for a moment."""
        if self.power.supplied:
            self.switch_off()
            self.switch_on()

    def mute(self, for_ms: float | None) -> None:
        """Neither hear nor speak; None: for ever."""
        now_us = self.board.clock.now_us
        self._muted_until_us = None if for_ms is None else now_us + round(for_ms * 1000)
        self.output.silent = True
        if for_ms is not None:
            self.board.clock.schedule_ms(for_ms, self._unmute)

    def crash(self, file: str = CRASH_FILE) -> None:
        """The firmware asserts and restarts by itself; stored settings stay."""
        if self.powered:
            self.urc(f"^EXIT: File: {file}")
            self.reboot()

    def load_profile(self) -> None:
        """Echo and the form of result codes as stored by AT&W."""
        profile = self.nv.profile
        self.session.echo, self.session.quiet = profile.echo, profile.quiet
        self.output.verbose = profile.verbose

    # inside

    def _wire(self) -> None:
        self.uart.on_bytes = self._on_bytes
        self.uart.on_rts = self._on_rts
        self.power.on_waking = self.waking.begins
        self.power.blocked = self._unread
        self.power.rest_delay_ms = lambda: self.nv.ips[1] if self.nv.ips[0] else NEVER_MS
        self.output.on_said = self._said
        self.session.cmee = lambda: self.nv.cmee
        self.session.ready = lambda: self.power.awake
        self.session.on_accept = self.waking.accepts
        self.output.on_break = self._on_break
        self.power.on_awake = self._woken
        self.power.on_update = self._show_cts
        self.power.on_asleep = self._fall_asleep
        self.sim.on_ready = self.emm.start

    def _begin(self) -> None:
        options = self.options
        self.power.rts = self.uart.rts
        if options.start == "off":
            self.output.silent = True
            self.power.supplied = False
            self.power.update()
        elif options.start == "boot":
            self.reboot()
        else:
            self.power.low_power = options.low_power
            on = options.autostart or options.data_state_left
            self.power.cfun = 1 if on else options.cfun
            self.sim.power(self.power.cfun != 0, at_once=True)
            self.power.update()
            served = self.sim.ready and self.cell_reachable and not self.cell.network.steps
            if self.cfun == 1 and served:
                self.emm.resume()  # before anybody listens: no URC
            self.powered = True
            self._show_cts()
            if self.cfun == 1:
                self.emm.start()
            if options.data_state_left:
                self.tell("on_left_in_data_state")
        if options.recovery_115200:
            self.uart.modem_baud = RECOVERY_BAUD
            self.session.commands = {"+SMOD": Command(read=lambda: Raw(b"\r\n0"))}

    def _down(self) -> None:
        """Everything that is not stored is lost, without a word to the host."""
        self._life += 1
        self.powered = False
        self.session.reset()
        self.output.silent = True
        self.emm.restarted()
        self.radio.stop()
        self.pdn.active.clear()
        self.power.low_power = False
        self.power.cfun = 0
        self.sim.power(False)
        self.power.update()
        self.tell("on_reset")

    def _booted(self, cfun: int) -> None:
        self.powered = True
        self.output.silent = self.muted
        self.load_profile()
        self.power.booted()
        self.urc("+SYSSTART")
        if cfun:
            self.set_cfun(cfun)
            self.emm.start()

    def _on_bytes(self, data: bytes) -> None:
        asleep = self.options.cts_asleep == "asserted" and not self.power.awake
        if self.powered and not self.muted and not asleep:
            self.power.touched()
            self.session.feed(self.waking.heard(data))
        else:
            self.board.trace.add("power", f"modem does not hear {len(data)} bytes")

    def _show_cts(self) -> None:
        """CTS is asserted while bytes are taken; asleep as the scenario says."""
        listens = self.powered and (self.power.awake or self.options.cts_asleep == "asserted")
        self.uart.set_cts(listens or not self.options.cts_blocks)

    def _said(self) -> None:
        if self.uart.rts:  # else it is held back
            self.power.touched()

    def _on_rts(self, asserted: bool) -> None:
        self.power.set_rts(asserted)
        if asserted and self.power.awake:
            self.waking.speaks()
        elif not asserted:
            self.tell("on_rts_released")

    def _woken(self) -> None:
        self._show_cts()
        self.waking.ends()
        self.session.pump()

    def _fall_asleep(self) -> None:
        """What nobody has read waits with what is going to be said."""
        self.output.hold("sleep", self.uart.take_held())

    def _unread(self) -> bool:
        return self.options.urc_blocks_sleep and (self.uart.holds or self.output.holds)

    def _on_break(self) -> None:
        if self.nv.ibr[0]:
            self.on_break()

    def _unmute(self) -> None:
        if not self.muted:
            self.output.silent = not self.powered
