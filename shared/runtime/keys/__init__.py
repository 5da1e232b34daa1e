"""Data keys: random, wrapped by their tenant's key, and that by the key provider's; kept in a database of their own.

`ring` is what services use, `store` the database, `providers` what holds the key above all, `admin` rotates and erases
nothing: erasing is `Keyring.destroy`, which the session service alone may do.
"""
