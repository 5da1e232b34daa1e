"""The language of the platform: frames, commands, events, errors and ids. Pure pydantic and enums, no I/O."""
