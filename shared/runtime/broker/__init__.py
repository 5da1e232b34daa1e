"""RabbitMQ: one module for publishing and one for consuming, both in batches, used by all services alike."""
