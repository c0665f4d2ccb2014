"""The reproduction ledger: figures of the paper beside ours, each with a computed verdict."""
