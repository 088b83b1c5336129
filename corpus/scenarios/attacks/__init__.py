"""Simulated attacks: harmless, on loopback, against servers of our own.

What is kept of a run are its carriers: tasks that run the attacker's code, serve his requests, or take
the step that the family is named for. A plain program that one of them starts (id, ls, cat, the shell
in between) is not kept under any label: such a process does not know what it is run for, and its calls
cannot tell. Each module says what its carriers are.
"""
