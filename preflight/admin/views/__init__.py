"""What each page shows, as plain values for its template. Reads the store and the registry, writes nothing."""
