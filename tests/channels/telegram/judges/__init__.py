"""Programs that nobody here wrote, in processes of their own: bots for our stand-in, an emulator.

Each script prints one JSON object per line; ``program.py`` runs them.
"""
