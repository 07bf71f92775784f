"""IRC: what is heard and said, against a stand-in and against a real server."""
