"""`python -m provider.doors.native` is the plugin that Pulumi's engine starts."""

from .server import main

if __name__ == "__main__":
    main()
