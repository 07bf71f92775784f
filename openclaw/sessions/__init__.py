"""Conversations: transcripts, lanes (one conversation, one order), the list of sessions."""
