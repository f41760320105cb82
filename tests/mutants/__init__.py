"""Deliberately wrong adapters: each is right but for one thing.

`conforming.py` is right in everything, written without any SDK and with error classes of
its own. The other modules, one per area of the catalogue, hold what breaks it, in a few
lines each. ``MUTANTS`` lists them with the requirements that the kit must fail them on.
"""

from tests.mutants import backend, chat, embedding, errors, recordings, structured, tricks
from tests.mutants.conforming import CONFORMING, Mutant
from tests.mutants.embedding import IN_PROCESS

MUTANTS: list[Mutant] = [
    *chat.MUTANTS,
    *errors.MUTANTS,
    *embedding.MUTANTS,
    *recordings.MUTANTS,
    *structured.MUTANTS,
    *backend.MUTANTS,
    *tricks.MUTANTS,
]

__all__ = ["CONFORMING", "IN_PROCESS", "MUTANTS", "Mutant"]
