"""Papers of your own, read from PDFs, web pages, LaTeX and plain text, and searched by passages."""
