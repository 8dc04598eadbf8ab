"""The safety stop: nobody is invited to a store while a warning lies over it."""
