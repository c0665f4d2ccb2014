* Cells, converters and lines of sky130's 1.8 V transistors.

* Gain cell. xw writes. The gates of xp and xn store, and cs, which is the drawn wire. xpx and xnx are their switches.
.subckt cell bl wl wlb wbl wwl s vdd vss
xw wbl wwl s vss sky130_fd_pr__nfet_01v8 w={w_write} l={l_write}
cs s vss {c_store}
xp p s vdd vdd sky130_fd_pr__pfet_01v8 w={w_readp} l={l_read}
xpx bl wlb p vdd sky130_fd_pr__pfet_01v8 w={w_readp} l={l_min}
xnx bl wl n vss sky130_fd_pr__nfet_01v8 w={w_readn} l={l_min}
xn n s vss vss sky130_fd_pr__nfet_01v8 w={w_readn} l={l_read}
.ends

.subckt inverter a y vdd vss
xmp y a vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmn y a vss vss sky130_fd_pr__nfet_01v8 w={w_logicn} l={l_min}
.ends

.subckt switch a b on onb vdd vss
xmn a on b vss sky130_fd_pr__nfet_01v8 w={w_logicn} l={l_min}
xmp a onb b vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
.ends

.subckt nand2 a b y vdd vss
xmpa y a vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmpb y b vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmna y a n vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
xmnb n b vss vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
.ends

.subckt nand3 a b c y vdd vss
xmpa y a vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmpb y b vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmpc y c vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmna y a n vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
xmnb n b m vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
xmnc m c vss vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
.ends

* Reset ties the bit line to vmid, and the first inverter to its own trip point, which c_zero keeps: that takes its
* offset away. The second inverter has the first one's length, and so its trip point. Near vmid only a transistor of low threshold conducts well.
.subckt comparator bl reset resetb above vmid vdd vss
xmresetn bl reset vmid vss sky130_fd_pr__nfet_01v8_lvt w={w_reset} l={l_min}
xmresetp bl resetb vmid vdd sky130_fd_pr__pfet_01v8 w={w_resetp} l={l_min}
czero x bl {c_zero}
xmzeron x reset z1 vss sky130_fd_pr__nfet_01v8 w={w_zero} l={l_min}
xmzerop x resetb z1 vdd sky130_fd_pr__pfet_01v8 w={w_zerop} l={l_min}
xmp z1 x vdd vdd sky130_fd_pr__pfet_01v8 w={w_comparep} l={l_compare}
xmn z1 x vss vss sky130_fd_pr__nfet_01v8 w={w_comparen} l={l_compare}
xmp2 above z1 vdd vdd sky130_fd_pr__pfet_01v8 w={w_answerp} l={l_compare}
xmn2 above z1 vss vss sky130_fd_pr__nfet_01v8 w={w_answern} l={l_compare}
.ends

* HardSigmoid. The bit line integrates on c_score. From hold on a current lifts the bit line, and c_step has set it back a little: the
* comparator starts from a clear answer. Pulse and current end when the line is where reset left it,
* the current not before conv. A converter without charge says by "done" when pulses may begin.
.subckt score_converter bl reset resetb conv hold holdb gate pulse done vbp vmid vdd vss
cint bl vss {c_score}
xcompare bl reset resetb done vmid vdd vss comparator
xbelow done below vdd vss inverter
xand below conv gate pulseb vdd vss nand3
xpulse pulseb pulse vdd vss inverter
xmramp up vbp vdd vdd sky130_fd_pr__pfet_01v8_lvt w={w_ramp} l={l_ramp}
xkeep conv done keep vdd vss nand2
xlift hold keep liftb vdd vss nand2
xmrampx bl liftb up vdd sky130_fd_pr__pfet_01v8_lvt w={w_rampx} l={l_rampx}
cstep bl holdb {c_step}
.ends

* The signed converter, with half the current. It keeps the comparator's answer as the sign. "steer", its own sign, chooses
* whether the line is lifted or lowered; the two converters without cells have fixed ones.
.subckt output_converter bl reset resetb conv hold holdb steer gatep gaten
+ pulse sign done vbp vbn vmid vdd vss
cint bl vss {c_output}
xcompare bl reset resetb above vmid vdd vss comparator
xbelow above below vdd vss inverter
xhold above kept holdb hold vdd vss switch
xkeptb kept keptb vdd vss inverter
xsign keptb sign vdd vss inverter
xsteer steer steerb vdd vss inverter
xaway0 below away steerb steer vdd vss switch
xaway1 above away steer steerb vdd vss switch
xgate0 gatep gate steerb steer vdd vss switch
xgate1 gaten gate steer steerb vdd vss switch
xand away conv gate pulseb vdd vss nand3
xpulse pulseb pulse vdd vss inverter
xdone away done vdd vss inverter
xstepup hold steerb upb vdd vss nand2
xstepdown hold steer downb vdd vss nand2
xdown downb down vdd vss inverter
xkeep conv done keep vdd vss nand2
xlift hold steerb keep liftb vdd vss nand3
xlowerb hold steer keep lowerb vdd vss nand3
xlower lowerb lower vdd vss inverter
xmup up vbp vdd vdd sky130_fd_pr__pfet_01v8_lvt w={w_ramp/2} l={l_ramp}
xmupx bl liftb up vdd sky130_fd_pr__pfet_01v8_lvt w={w_rampx} l={l_rampx}
xmlowx bl lower low vss sky130_fd_pr__nfet_01v8 w={w_rampx} l={l_min}
xmlow low vbn vss vss sky130_fd_pr__nfet_01v8 w={w_rampn/2} l={l_ramp}
cstepup bl upb {c_stepup}
cstepdown bl down {c_stepdown}
.ends

* Bias of the ramps: i_ramp is an ideal current, mirrored. xmdown is two of the width of xmlow: narrow ones carry less
* than half of a wide one.
.subckt references vbp vbn vdd vss
iref vbp vss {i_ramp}
xmdiode vbp vbp vdd vdd sky130_fd_pr__pfet_01v8_lvt w={w_ramp} l={l_ramp}
xmcopy vbn vbp vdd vdd sky130_fd_pr__pfet_01v8_lvt w={w_ramp} l={l_ramp}
xmdown vbn vbn vss vss sky130_fd_pr__nfet_01v8 w={w_rampn/2} l={l_ramp} m=2 mult=2
cp vbp vdd {c_bias}
cn vbn vss {c_bias}
.ends

.subckt buffer a y vdd vss
xmp1 b a vdd vdd sky130_fd_pr__pfet_01v8 w={2*w_logicp} l={l_min}
xmn1 b a vss vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
xmp2 y b vdd vdd sky130_fd_pr__pfet_01v8 w={8*w_logicp} l={l_min}
xmn2 y b vss vss sky130_fd_pr__nfet_01v8 w={8*w_logicn} l={l_min}
.ends

* Levels of the codes. go switches the ladder on while a column is written.
.subckt write_ladder go t0 t1 t2 t3 t4 t5 t6 t7 vdd vss
r7 vdd t7 {r_top}
r6 t7 t6 {r_ladder}
r5 t6 t5 {r_ladder}
r4 t5 t4 {r_ladder}
r3 t4 t3 {r_ladder}
r2 t3 t2 {r_ladder}
r1 t2 t1 {r_ladder}
r0 t1 t0 {r_ladder}
rb t0 low {r_bottom}
xmgo low go vss vss sky130_fd_pr__nfet_01v8 w={w_ladder} l={l_min}
.ends

* The level of one row's code. Behind go its line keeps the voltage.
.subckt write_select t0 t1 t2 t3 t4 t5 t6 t7 b0 b0b b1 b1b b2 b2b go gob wbl vdd vss
xmn0 t0 b0b p0 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp0 t0 b0 p0 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn1 t1 b0 p0 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp1 t1 b0b p0 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn2 t2 b0b p1 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp2 t2 b0 p1 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn3 t3 b0 p1 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp3 t3 b0b p1 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn4 t4 b0b p2 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp4 t4 b0 p2 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn5 t5 b0 p2 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp5 t5 b0b p2 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn6 t6 b0b p3 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp6 t6 b0 p3 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn7 t7 b0 p3 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp7 t7 b0b p3 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn8 p0 b1b q0 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp8 p0 b1 q0 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn9 p1 b1 q0 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp9 p1 b1b q0 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn10 p2 b1b q1 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp10 p2 b1 q1 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn11 p3 b1 q1 vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp11 p3 b1b q1 vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn12 q0 b2b r vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp12 q0 b2 r vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn13 q1 b2 r vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp13 q1 b2b r vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
xmn14 r go wbl vss sky130_fd_pr__nfet_01v8_lvt w={w_select} l={l_min}
xmp14 r gob wbl vdd sky130_fd_pr__pfet_01v8 w={2*w_select} l={l_min}
.ends

* Both word lines of a row in one sub-tile.
.subckt line_driver a wl wlb vdd vss
xmp1 b a vdd vdd sky130_fd_pr__pfet_01v8 w={2*w_logicp} l={l_min}
xmn1 b a vss vss sky130_fd_pr__nfet_01v8 w={2*w_logicn} l={l_min}
xmp2 wl b vdd vdd sky130_fd_pr__pfet_01v8 w={8*w_logicp} l={l_min}
xmn2 wl b vss vss sky130_fd_pr__nfet_01v8 w={8*w_logicn} l={l_min}
xmp3 c a vdd vdd sky130_fd_pr__pfet_01v8 w={w_logicp} l={l_min}
xmn3 c a vss vss sky130_fd_pr__nfet_01v8 w={w_logicn} l={l_min}
xmp4 d c vdd vdd sky130_fd_pr__pfet_01v8 w={3*w_logicp} l={l_min}
xmn4 d c vss vss sky130_fd_pr__nfet_01v8 w={3*w_logicn} l={l_min}
xmp5 wlb d vdd vdd sky130_fd_pr__pfet_01v8 w={8*w_logicp} l={l_min}
xmn5 wlb d vss vss sky130_fd_pr__nfet_01v8 w={8*w_logicn} l={l_min}
.ends
