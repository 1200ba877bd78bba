"""The consent step: a person allows access in a browser, and the way back brings a code.

`grant` reads what comes back, `listener` waits for the browser on loopback, `terminal` for a paste,
`race` for whichever is first. Nothing here knows Pulumi, the stack or the platform.
"""
