"""Groups of feature columns, one file each; views never import each other."""
