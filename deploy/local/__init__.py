"""The whole platform on one machine: what `./unsaid` runs.

In: a verb, and what is in the home folder (`.unsaid`). Out: Postgres, RabbitMQ and the four services under
supervisord, the files that say where they are, and a demo conversation to open in two windows.
"""
