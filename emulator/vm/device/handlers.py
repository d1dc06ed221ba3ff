"""Interrupt handlers of the program, for both VMs in the language that both know.

They run one after the other, none inside another. An exception that leaves a handler ends all
handlers until the next reset (Pycom firmware 1.20.2.r4, util/mpirq.c).
"""


class Handlers:
    def __init__(self, take, mask, die, report):
        """take() gives the next interrupt, (service, object id, trigger) or None; mask(on) holds
        them back; die() ends them; report(headline, error) prints an exception."""
        self._take = take
        self._mask = mask
        self._die = die
        self._report = report
        self._functions = {}

    def on_interrupt(self, service, object_id, function):
        """Register the handler of one object, which is called with the trigger; None: no more."""
        if function is None:
            self._functions.pop((service, object_id), None)
        else:
            self._functions[(service, object_id)] = function

    def dispatch(self):
        """Run the handlers of pending interrupts."""
        while True:
            taken = self._take()
            if taken is None:
                return
            function = self._functions.get((taken[0], taken[1]))
            if function is None:
                continue
            self._mask(True)
            try:
                function(taken[2])
            except (Exception, SystemExit) as error:
                self._die()
                self._report("Unhandled exception in callback handler", error)
            finally:
                self._mask(False)
