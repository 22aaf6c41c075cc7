"""DataFrame to DataFrame functions that several jobs share."""
