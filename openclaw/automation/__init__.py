"""What starts runs without a person: the heartbeat; later tasks, cron and the event bus."""
