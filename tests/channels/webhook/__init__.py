"""Custom webhooks: what is taken and told, with a service on the other side."""
