"""Reports: what a run found, for a terminal, a browser, a build server and other programs."""
