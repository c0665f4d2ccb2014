"""Area, time and energy of whole heads, from measured control and the paper's analog constants."""
