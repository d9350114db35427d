"""What an export brings along instead of Genesys: copied as text, and never imported here."""
