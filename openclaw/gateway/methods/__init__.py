"""What each method does, one module per namespace; rules and state are the domain's."""
