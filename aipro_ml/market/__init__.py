"""The market over time: closes, movements, consensus lines and the comparison of devig methods, from frames."""
