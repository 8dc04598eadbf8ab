"""Import: customers and friends out of files, of whatever tool they come from."""
