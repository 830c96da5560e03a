"""The simulator against vectors, a client and a receiver that share no code with it."""
