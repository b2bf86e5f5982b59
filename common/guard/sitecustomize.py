"""Put on PYTHONPATH by `common.isolation` where namespaces are refused: every Python of the command gets the guard."""

from common import isolation

isolation.guard()
