"""The clerk's page: what a customer shows is scanned, used and, if need be, undone; also without a network."""
