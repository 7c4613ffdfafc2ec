"""Reports: tables, plots and contact sheets of what was measured."""
