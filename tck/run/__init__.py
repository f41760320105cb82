"""What works on whole adapters.

From what is typed to a report:

* `arguments`, `selection`: what is asked for, checked without importing any adapter;
* `whole`: a run, from arguments to a `Report`; `progress`: what is known of each adapter meanwhile;
* `pool`, `process`, `worker`, `losses`: worker processes, the two sides of one, and its end;
* `in_process`: the same in this process; `session`: the same in a pytest session;
* `targets`, `assessment`: an adapter is loaded, and one requirement of it is decided;
* `environment`, `places`, `packages`: what an adapter sees, where its code is, what it has loaded.

The other commands: `recording`, `drifting`, `linting`, and `cassette_files`, which says what
cassettes an argument means.
"""
