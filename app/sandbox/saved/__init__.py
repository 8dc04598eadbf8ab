"""What a saved sandbox is made of: changes, the snapshot that sums them up, and accepted calls."""
