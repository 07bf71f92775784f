"""How much a client may ask for, and which addresses may ask at all; judges no credential."""
