"""Studies: many clips, kept in a folder, analysed on as many cores and machines as there are."""
