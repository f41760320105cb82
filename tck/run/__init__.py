"""A run: from what is named on the command line to the outcome of every requirement."""
