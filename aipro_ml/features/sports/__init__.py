"""A sport is its code, its bet types and its views, one readable file each."""
