"""The commands of ``tck``: one module each, with its arguments beside it.

A module has ``add_arguments(parser)`` and ``execute(options)``, which returns the exit status.
"""

COMMANDS = {
    "run": "grade adapters",
    "record": "record real providers' responses",
    "lint": "look for what is wrong with recordings",
    "drift": "compare new responses' shapes with the recordings",
    "serve": "replay recordings over HTTP, for clients of any language",
    "list": "list the bundled adapters and the requirements",
    "explain": "say all about a requirement",
}
"""Each with what it does, so that none need be imported to say so."""
