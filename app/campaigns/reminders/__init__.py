"""Telling people that a coupon in their hands ends soon."""
