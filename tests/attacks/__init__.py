"""What was done to the original, done to this gateway: each test is named after its advisory.

Every cluster has an oracle of its own, which shares no code with what it judges, and a planted
fault, the bug of the advisory, which the same attack has to find. ``coverage.toml`` says which
cluster is where, and what waits for parts that do not exist yet.
"""
