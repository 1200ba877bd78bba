"""A server of no engine: a host of the rules that remembers what the user would be told."""

import math
from contextlib import contextmanager

from provider.api.errors import AbandonedError


class Listener:
    """See `provider.instance.host.Host`; each list is in the order in which things were said."""

    def __init__(self, urn=""):
        self.warnings, self.once, self.notes, self.passing, self.waits = [], [], [], [], []
        self.warn, self.note, self.progress = (
            said.append for said in (self.warnings, self.notes, self.passing)
        )
        self.inputs = None
        """The inputs that the state has, for the next call."""
        self.listens = True
        """Somebody waits for the call."""
        self.lets_wait = False
        """The engine is one that lets a resource wait."""
        self._urn = urn

    def warn_once(self, message):
        if message not in self.once:
            self.once.append(message)

    @contextmanager
    def waiting(self, what):
        self.waits.append(what)
        yield

    def urn(self):
        return self._urn

    def old_inputs(self):
        return self.inputs

    def can_await(self):
        return self.lets_wait

    def awaited(self):
        return self.listens

    def go_on(self):
        if not self.listens:
            raise AbandonedError

    def remaining(self):
        return math.inf

    def sleep(self, _seconds):
        self.go_on()
