"""The subcommands of ``gaincell``: each file adds its arguments and runs."""
