"""What holds for every tier."""

import signal

# A shell starts background jobs with Ctrl-C ignored, nohup with SIGHUP, and all that they start
# inherits it: the tests that interrupt something would wait for ever.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
