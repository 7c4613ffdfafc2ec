"""Running a command over many files: plan, keys, work, report, exit code."""
