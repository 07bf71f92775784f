"""The journal: transactions that are durable when they are answered, on disk or in memory."""
