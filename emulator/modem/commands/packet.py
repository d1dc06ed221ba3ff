"""Packet domain: contexts, attach, activation, addresses.

Source: 3GPP TS 27.007 10.1 (+CGDCONT 10.1.1, +CGATT 10.1.9, +CGACT 10.1.10, +CGPADDR 10.1.14,
+CGCONTRDP 10.1.23, +CGAUTH 10.1.31, +CGPIAF 10.1.33).
"""

from __future__ import annotations

from emulator.modem.engine import Args, CmeError, Command, Pending, Result, at_most, integer, text
from emulator.modem.family import Family
from emulator.modem.nv import Context
from emulator.modem.pdn import CIDS, TYPES, colons, dotted

LAST_PDN = 171


class Packet(Family):
    def commands(self) -> dict[str, Command]:
        cids = f"({CIDS[0]}-{CIDS[-1]})"
        return {
            "+CGDCONT": Command(
                set=self._define,
                read=self._definitions,
                test=lambda: [
                    f'+CGDCONT: {cids},"{kind}",,,(0),(0),(0),(0,1),(0),(0),(0),(0),(0,1),(0)'
                    for kind in TYPES
                ],
            ),
            "+CGATT": Command(
                set=self._attach,
                test="+CGATT: (0,1)",
                read=lambda: [f"+CGATT: {int(self._shows_attached())}"],
            ),
            "+CGACT": Command(
                set=self._activate,
                test="+CGACT: (0,1)",
                read=lambda: [
                    f"+CGACT: {cid},{int(cid in self.modem.pdn.active)}" for cid in self._defined()
                ],
            ),
            "+CGPADDR": Command(
                set=self._addresses,
                execute=lambda: self._addresses([]),
                test=lambda: ["+CGPADDR: (" + _listed(self._defined()) + ")"],
            ),
            "+CGCONTRDP": Command(
                set=self._dynamic,
                execute=lambda: self._dynamic([]),
                test=lambda: ["+CGCONTRDP: (" + _listed(sorted(self.modem.pdn.active)) + ")"],
            ),
            "+CGAUTH": Command(
                set=self._authenticate,
                read=self._authentications,
                test=f"+CGAUTH: {cids},(0-2),64,64",
            ),
            "+CGPIAF": Command(
                set=self._address_form,
                test="+CGPIAF: (0,1),(0,1),(0,1),(0,1)",
                read=lambda: ["+CGPIAF: " + ",".join(str(value) for value in self._piaf)],
            ),
            "+CGEREP": Command(set=lambda args: None, read="+CGEREP: 0,0"),
        }

    def on_reset(self) -> None:
        self._piaf = [0, 0, 0, 0]  # address form, subnet, leading zeros, compression

    def _defined(self) -> list[int]:
        """Defined contexts, and those that the network brought up without a definition."""
        return sorted({*self.modem.pdn.contexts, *self.modem.pdn.active})

    def _cid(self, args: Args, index: int = 0) -> int:
        return integer(args, index, CIDS[0], CIDS[-1])

    # definitions

    def _define(self, args: Args) -> None:
        at_most(args, 15)
        cid = self._cid(args)
        if len(args) == 1:
            self.modem.pdn.contexts.pop(cid, None)
            return
        kind = text(args, 1, "IP").upper()
        apn = text(args, 2, "")
        if kind not in TYPES or len(apn) > 100 or not apn.isascii() or " " in apn:
            raise CmeError(50)
        self.modem.pdn.contexts[cid] = Context(kind, apn)

    def _definitions(self) -> Result:
        return [
            f'+CGDCONT: {cid},"{entry.type}","{entry.apn}",,,,0,0,0,0,0,0,0,,0'
            for cid, entry in sorted(self.modem.pdn.contexts.items())
        ]

    def _authenticate(self, args: Args) -> None:
        at_most(args, 4)
        cid, kind = self._cid(args), integer(args, 1, 0, 2, 0)
        if kind == 0:
            self.modem.nv.auth.pop(cid, None)
        else:
            self.modem.nv.auth[cid] = (kind, text(args, 2), text(args, 3, ""))

    def _authentications(self) -> Result:
        return [
            f'+CGAUTH: {cid},{kind},"{user}",""'
            for cid, (kind, user, _) in sorted(self.modem.nv.auth.items())
        ]

    # attach and activation

    def _shows_attached(self) -> bool:
        return self.modem.attached and not self.modem.options.cgatt_stays_0

    def _attach(self, args: Args) -> Result:
        at_most(args, 1)
        self.need_radio()
        if integer(args, 0, 0, 1):
            self.modem.sim.require()
            return self.modem.emm.wait_attached()
        pending = Pending()
        self.modem.emm.detach(pending.finish)
        return pending

    def _activate(self, args: Args) -> Result:
        state = integer(args, 0, 0, 1)
        cids = [self._cid(args, index) for index in range(1, len(args))] or self._defined()
        pdn = self.modem.pdn
        if not self.modem.attached:
            raise CmeError(3)
        if state == 0:
            if set(pdn.active) <= set(cids):
                raise CmeError(LAST_PDN)
            for cid in cids:
                self.modem.pdn_down(cid)
            return None
        missing = [cid for cid in cids if cid not in pdn.active]
        if not missing:
            return None
        if any(cid not in pdn.contexts for cid in missing):
            raise CmeError(50)
        return self._bring_up(missing)

    def _bring_up(self, cids: list[int]) -> Pending:
        """A PDN connectivity request per context: one exchange with the network each."""
        pending = Pending()

        def answered(ok: bool | None) -> None:
            if not ok:
                pending.fail(31)
                return
            try:
                for cid in cids:
                    self.modem.pdn.activate(cid)
            except CmeError as refusal:
                pending.fail(refusal.code)
            else:
                pending.finish()

        self.modem.radio.send(60, answered)
        return pending

    # what the network gave

    def _addresses(self, args: Args) -> Result:
        cids = [self._cid(args, index) for index in range(len(args))] or self._defined()
        lines = []
        for cid in cids:
            found = self.modem.pdn_addresses(cid)
            shown = "".join(f',"{self._shown(address)}"' for _, address in sorted(found.items()))
            lines.append(f"+CGPADDR: {cid}{shown}")
        return lines

    def _dynamic(self, args: Args) -> Result:
        at_most(args, 1)
        active = self.modem.pdn.active
        cids = [self._cid(args)] if args else sorted(active)
        return [
            self._line(cid, family, address)
            for cid in cids
            if cid in active
            for family, address in sorted(active[cid].items())
        ]

    def _line(self, cid: int, family: str, address: str) -> str:
        network = self.modem.cell.network
        pdn = self.modem.pdn
        servers = network.dns_ipv4 if family == "IP" else network.dns_ipv6
        names = [f'"{self._shown(server)}"' for server in servers[:2]]
        names += [""] * (2 - len(names))
        mask = 32 if family == "IP" else 64
        line = (
            f'+CGCONTRDP: {cid},{pdn.bearer(cid)},"{pdn.full_apn(cid)}",'
            f'"{self._shown(address, mask)}","",{",".join(names)},"",""'
        )
        mtu = self.modem.options.cgcontrdp_mtu
        return f"{line},,,{mtu}" if mtu else line

    def _address_form(self, args: Args) -> None:
        at_most(args, 4)
        self._piaf = [integer(args, index, 0, 1, self._piaf[index]) for index in range(4)]

    def _shown(self, address: str, mask: int | None = None) -> str:
        form, slash, zeros, compress = self._piaf
        if ":" in address and form:
            return colons(address, mask, not zeros, bool(compress), bool(slash))
        return dotted(address, mask)


def _listed(cids: list[int]) -> str:
    return ",".join(str(cid) for cid in cids)
