"""Who is one person with whom: by one LINE user id, by LINE's account link, and what stands as proof of it."""
