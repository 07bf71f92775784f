"""A worker: the process on another host that runs agents for a gateway."""
