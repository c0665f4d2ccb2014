* Gain cell of 1.8 V transistors. The gates of xp and xn store; xpx and xnx are their switches.
.subckt cell bl wl wlb wbl wwl s vdd vss
xw wbl wwl s vss sky130_fd_pr__nfet_01v8 w={w_write} l={l_write}
xp p s vdd vdd sky130_fd_pr__pfet_01v8 w={w_readp} l={l_read}
xpx bl wlb p vdd sky130_fd_pr__pfet_01v8 w={w_readp} l={l_min}
xnx bl wl n vss sky130_fd_pr__nfet_01v8 w={w_readn} l={l_min}
xn n s vss vss sky130_fd_pr__nfet_01v8 w={w_readn} l={l_read}
.ends
