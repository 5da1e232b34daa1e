"""What every service stands on: settings, logs, metrics, health, broker, database, sealing. No noun of the domain."""
