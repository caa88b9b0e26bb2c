"""``make contract``: the service's contract, held to third parties' suites on a running demo."""
