"""What holds for every tier."""

import signal

# A shell starts background jobs with Ctrl-C ignored, and all that they start inherits it: the tests
# that interrupt something would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
