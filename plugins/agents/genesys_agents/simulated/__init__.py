"""An agent that writes stand-ins for units, for simulations."""
