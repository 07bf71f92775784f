"""Slack: what is received and sent, against a stand-in that official clients have judged."""
