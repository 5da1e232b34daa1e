"""The project's own benchmark: `./unsaid bench`.

In: a platform that it starts for itself, or a peer. Out: a table of what was offered, what arrived, how late, and what
it cost in CPU. Servers run on one core and the load on another, so that neither takes from the other what is measured.
"""
