"""What LINE tells of people and accounts: profiles, friends, bot info, groups and rooms."""
