"""What an account shows in a chat besides messages: that it is typing, and that it has read."""
