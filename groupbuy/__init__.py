"""Group buy: deals, teams, seats and orders; and the money behind them."""
