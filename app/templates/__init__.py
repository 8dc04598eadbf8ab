"""Messages to start from: of head office or of a store, with blocks that each store may word its own way."""
