"""The customer's phone: pages on which one is a person, sees her chats as on a phone, and does what she would do."""
