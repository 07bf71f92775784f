"""Looks for what is unsafe in settings, files and a running gateway; changes nothing."""
