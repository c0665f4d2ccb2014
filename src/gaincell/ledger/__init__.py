"""The ledgers: the paper's figures beside ours with verdicts, and other accelerators' figures."""
