"""Config groups that join Genesys' own."""
