"""A worker: a process that imports torch once, and runs each order in a child of its own.

Orders come through a connection that was made before, and answers go back through it: see
`process.py`. The worker itself never runs the user's code. What a child prints goes to stderr,
which is a file of whoever started the worker.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import pickle
import signal
import sys
from collections.abc import Iterable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

from rflint.cache.tracker import packages_observed
from rflint.errors import RflintError
from rflint.usercode.interrupts import remember_ctrl_c
from rflint.workers.limited import answers_of
from rflint.workers.limits import ProcessLimits


class Order(Protocol):
    """What a worker is to do. It is pickled, and so are its answers."""

    def answers(self, limits: ProcessLimits) -> Iterable[Any]:
        """Called in a child process. `limits` are those under which it runs there."""


def main(number: int, modules: Sequence[str], packages: Sequence[str]) -> None:
    """Import modules, say so, and carry out orders until there is nobody who gives any.

    `number` is the file descriptor of the connection. A module with a colon is followed by a
    function in it, which is called. What `packages` look at while they are imported counts for the
    cache: the reports of all orders depend on it.
    """
    environment = dict(os.environ)
    os.dup2(2, 1)
    sys.argv = ["rflint"]
    remember_ctrl_c()
    # who started this process is the one to interrupt; ending it ends its child, too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    _import(modules)
    with packages_observed(environment):
        _import(packages)
    faulthandler.enable()  # where it crashed, for those who read what it printed
    gc.collect()
    gc.freeze()  # what is imported stays, and is shared with all children
    with Connection(number) as connection, contextlib.suppress(EOFError, BrokenPipeError):
        connection.send_bytes(pickle.dumps(None))
        while True:
            order, limits = pickle.loads(connection.recv_bytes())
            _carry_out(order, limits, connection)


def _import(names: Sequence[str]) -> None:
    for name in names:
        module, _, function = name.partition(":")
        with contextlib.suppress(Exception):  # whoever needs it says what is wrong with it
            found = importlib.import_module(module)
            if function:
                getattr(found, function)()


def _carry_out(order: Order, limits: ProcessLimits, connection: Connection) -> None:
    """Send the answers to an order; behind the last one the error that ended it, or None."""
    error: RflintError | None = None
    try:
        own = (connection.fileno(),)
        for message in answers_of(lambda: order.answers(limits), limits, unneeded=own):
            connection.send_bytes(b"+" + message)
    except RflintError as found:
        error = found
    connection.send_bytes(b"." + pickle.dumps(error))
