"""Running a command over many files: plan, work, report, exit code."""
