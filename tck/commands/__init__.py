"""The commands of ``tck``: one module each, with its arguments beside it.

A module has ``HELP``, ``add_arguments(parser)`` and ``execute(options)``, which returns the exit
status.
"""
