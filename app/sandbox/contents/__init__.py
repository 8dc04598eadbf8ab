"""What people send besides text, and LINE keeps for a while: pictures, videos, voices, files."""
