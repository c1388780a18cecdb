"""Demo: a simulated audience that fills a running show, so that anyone sees a busy room in a minute."""
