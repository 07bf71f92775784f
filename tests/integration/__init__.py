"""The whole gateway as a process: how it starts, what it leaves behind, how it stops."""
