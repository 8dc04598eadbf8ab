"""Rule packs: weather rules to begin with, made for a kind of shop, each with a text that quotes JMA lawfully."""
