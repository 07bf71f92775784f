"""Chat platforms: accounts that run side by side, and one way in and out for all of them."""
