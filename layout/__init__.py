"""Layout: what a head looks like on a chip, drawn by program and checked.

KLayout, a library under GPL-3, draws and checks; the extra ``gaincell[layout]`` installs it.
Nothing else of gaincell needs it, and gaincell's own files stay under Apache-2.0.
"""
