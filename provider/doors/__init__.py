"""The ways in: what is known of the servers that call the rules."""
