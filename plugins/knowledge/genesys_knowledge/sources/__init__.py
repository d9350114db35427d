"""Live sources: services on the net that are asked while a run goes on (app. B.1.3)."""
