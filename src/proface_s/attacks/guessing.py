"""8. Passphrase guessing: what a guess costs at the parameters that a file really stores."""
