"""The finance pack: a fictional market-risk desk on the real S&P 500."""
