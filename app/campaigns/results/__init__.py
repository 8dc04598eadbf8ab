"""What came of campaigns: taps on their links, what LINE counted, and how far their goals are reached."""
