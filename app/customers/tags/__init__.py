"""Tags: labels of the brand or of one store, and who carries them, since when, by whom and until when."""
