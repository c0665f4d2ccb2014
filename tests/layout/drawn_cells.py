"""Netlists of gain cells alone: the switch of the pair at the bit line, and at the supplies."""

CELL = """
.subckt cell bl wl wlb wbl wwl s vdd vss
xw wbl wwl s vss nfet w={w_write} l={l_write}
xp p s vdd vdd pfet w={w_readp} l={l_read}
xpx bl wlb p vdd pfet w={w_readp} l={l_min}
xnx bl wl n vss nfet w={w_readn} l={l_min}
xn n s vss vss nfet w={w_readn} l={l_read}
.ends
"""
READ_AT_LINE = """
.subckt cell bl wl wlb wbl wwl s vdd vss
xw wbl wwl s vss nfet w={w_write} l={l_write}
xpx vdd wlb p vdd pfet w={w_readp} l={l_min}
xp p s bl vdd pfet w={w_readp} l={l_read}
xn n s bl vss nfet w={w_readn} l={l_read}
xnx n wl vss vss nfet w={w_readn} l={l_min}
.ends
"""
