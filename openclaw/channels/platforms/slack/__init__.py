"""Slack: one app in one workspace, over Socket Mode or the HTTP Events API."""
