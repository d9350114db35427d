"""Knowledge sources that agents can ask."""
