"""Safety's data: crisis resources and questions of suitability, read from files, chosen and answered. Pure."""
