"""``genesys report``: a run as one HTML file that needs nothing else."""

from genesys.cli.report.write import write_report

__all__ = ["write_report"]
