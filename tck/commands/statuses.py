"""The exit statuses of all commands."""

OK, NOT_REACHED, USAGE, KIT_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
