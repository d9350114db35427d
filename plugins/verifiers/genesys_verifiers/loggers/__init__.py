"""Loggers: what follows a verification from outside, off by default."""

from genesys_verifiers.loggers.config import Logger, LoggerConfig
from genesys_verifiers.loggers.log import Log, Logging

__all__ = ["Log", "Logger", "LoggerConfig", "Logging"]
