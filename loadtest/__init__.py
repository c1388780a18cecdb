"""The load-test suite and the benchmark: a black box that knows the protocol and nothing else of ours."""
