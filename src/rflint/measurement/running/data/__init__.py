"""Where samples come from: folders, the user's own data sets and loaders, named data sets."""
