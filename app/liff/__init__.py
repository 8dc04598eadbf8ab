"""The customer's pages inside LINE, and the sessions by which she is known there."""
