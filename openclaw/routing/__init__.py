"""Who may speak on chat platforms, which agent and session it is for, and where answers go."""
