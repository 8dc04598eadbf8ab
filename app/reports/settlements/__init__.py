"""Who gave what at which counter, who bears it, and what that leaves between stores and head office, by month."""
