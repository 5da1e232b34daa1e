"""Exercises, pure: reading a definition and saying what is wrong with it, and which step comes after which answers."""
