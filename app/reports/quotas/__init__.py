"""What each LINE account may send in a month, and what the month will come to."""
