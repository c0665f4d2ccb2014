* Cells, converters and lines of FreePDK45's thin-oxide transistors.

* Gain cell. mw writes. mp and mn are the currents that push and pull, mpx and mnx their switches.
.subckt cell bl wl wlb wbl wwl s vdd vss
mw wbl wwl s vss NMOS_VTH w={w_write} l={l_write}
cs s vss {c_store}
mp p s vdd vdd PMOS_VTH w={w_readp} l={l_read}
mpx bl wlb p vdd PMOS_VTH w={w_switch} l={l_min}
mnx bl wl n vss NMOS_VTH w={w_switch} l={l_min}
mn n s vss vss NMOS_VTH w={w_readn} l={l_read}
.ends

.subckt inverter a y vdd vss
mp y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mn y a vss vss NMOS_VTG w={w_logicn} l={l_min}
.ends

.subckt switch a b on onb vdd vss
mn a on b vss NMOS_VTG w={w_logicn} l={l_min}
mp a onb b vdd PMOS_VTG w={w_logicp} l={l_min}
.ends

.subckt nand2 a b y vdd vss
mpa y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpb y b vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mna y a n vss NMOS_VTG w={2*w_logicn} l={l_min}
mnb n b vss vss NMOS_VTG w={2*w_logicn} l={l_min}
.ends

.subckt nand3 a b c y vdd vss
mpa y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpb y b vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpc y c vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mna y a n vss NMOS_VTG w={2*w_logicn} l={l_min}
mnb n b m vss NMOS_VTG w={2*w_logicn} l={l_min}
mnc m c vss vss NMOS_VTG w={2*w_logicn} l={l_min}
.ends

* Reset ties the bit line to vmid, and the first inverter to its own trip point, which c_zero keeps:
* that takes its offset away.
.subckt comparator bl reset resetb above vmid vdd vss
mresetn bl reset vmid vss NMOS_VTG w={w_reset} l={l_min}
mresetp bl resetb vmid vdd PMOS_VTG w={w_resetp} l={l_min}
czero bl x {c_zero}
mzeron x reset z1 vss NMOS_VTG w={w_zero} l={l_min}
mzerop x resetb z1 vdd PMOS_VTG w={w_zerop} l={l_min}
mp z1 x vdd vdd PMOS_VTG w={w_comparep} l={l_compare}
mn z1 x vss vss NMOS_VTG w={w_comparen} l={l_compare}
xz2 z1 above vdd vss inverter
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
mramp up vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
xkeep conv done keep vdd vss nand2
xlift hold keep liftb vdd vss nand2
mrampx bl liftb up vdd PMOS_VTG w={w_rampx} l={l_min}
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
mup up vbp vdd vdd PMOS_VTG w={w_ramp/2} l={l_ramp}
mupx bl liftb up vdd PMOS_VTG w={w_rampx} l={l_min}
mlowx bl lower low vss NMOS_VTG w={w_rampx} l={l_min}
mlow low vbn vss vss NMOS_VTG w={w_rampn/2} l={l_ramp}
cstepup bl upb {c_stepup}
cstepdown bl down {c_stepdown}
.ends

* Bias of the ramps: i_ramp is an ideal current, mirrored.
.subckt references vbp vbn vdd vss
iref vbp vss {i_ramp}
mdiode vbp vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
mcopy vbn vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
mdown vbn vbn vss vss NMOS_VTG w={w_rampn} l={l_ramp}
cp vbp vdd {c_bias}
cn vbn vss {c_bias}
.ends

.subckt buffer a y vdd vss
mp1 b a vdd vdd PMOS_VTG w={2*w_logicp} l={l_min}
mn1 b a vss vss NMOS_VTG w={2*w_logicn} l={l_min}
mp2 y b vdd vdd PMOS_VTG w={8*w_logicp} l={l_min}
mn2 y b vss vss NMOS_VTG w={8*w_logicn} l={l_min}
.ends

* Levels of the codes. go switches the ladder on while a column is written.
.subckt write_ladder go t0 t1 t2 t3 t4 t5 t6 t7 vdd vss
r7 vdd t7 0.1
r6 t7 t6 {r_ladder}
r5 t6 t5 {r_ladder}
r4 t5 t4 {r_ladder}
r3 t4 t3 {r_ladder}
r2 t3 t2 {r_ladder}
r1 t2 t1 {r_ladder}
r0 t1 t0 {r_ladder}
rb t0 low {r_bottom}
mgo low go vss vss NMOS_VTG w={w_ladder} l={l_min}
.ends

* The level of one row's code. Behind go its line keeps the voltage.
.subckt write_select t0 t1 t2 t3 t4 t5 t6 t7 b0 b0b b1 b1b b2 b2b go gob wbl vdd vss
mn0 t0 b0b p0 vss NMOS_VTG w={w_select} l={l_min}
mp0 t0 b0 p0 vdd PMOS_VTG w={2*w_select} l={l_min}
mn1 t1 b0 p0 vss NMOS_VTG w={w_select} l={l_min}
mp1 t1 b0b p0 vdd PMOS_VTG w={2*w_select} l={l_min}
mn2 t2 b0b p1 vss NMOS_VTG w={w_select} l={l_min}
mp2 t2 b0 p1 vdd PMOS_VTG w={2*w_select} l={l_min}
mn3 t3 b0 p1 vss NMOS_VTG w={w_select} l={l_min}
mp3 t3 b0b p1 vdd PMOS_VTG w={2*w_select} l={l_min}
mn4 t4 b0b p2 vss NMOS_VTG w={w_select} l={l_min}
mp4 t4 b0 p2 vdd PMOS_VTG w={2*w_select} l={l_min}
mn5 t5 b0 p2 vss NMOS_VTG w={w_select} l={l_min}
mp5 t5 b0b p2 vdd PMOS_VTG w={2*w_select} l={l_min}
mn6 t6 b0b p3 vss NMOS_VTG w={w_select} l={l_min}
mp6 t6 b0 p3 vdd PMOS_VTG w={2*w_select} l={l_min}
mn7 t7 b0 p3 vss NMOS_VTG w={w_select} l={l_min}
mp7 t7 b0b p3 vdd PMOS_VTG w={2*w_select} l={l_min}
mn8 p0 b1b q0 vss NMOS_VTG w={w_select} l={l_min}
mp8 p0 b1 q0 vdd PMOS_VTG w={2*w_select} l={l_min}
mn9 p1 b1 q0 vss NMOS_VTG w={w_select} l={l_min}
mp9 p1 b1b q0 vdd PMOS_VTG w={2*w_select} l={l_min}
mn10 p2 b1b q1 vss NMOS_VTG w={w_select} l={l_min}
mp10 p2 b1 q1 vdd PMOS_VTG w={2*w_select} l={l_min}
mn11 p3 b1 q1 vss NMOS_VTG w={w_select} l={l_min}
mp11 p3 b1b q1 vdd PMOS_VTG w={2*w_select} l={l_min}
mn12 q0 b2b r vss NMOS_VTG w={w_select} l={l_min}
mp12 q0 b2 r vdd PMOS_VTG w={2*w_select} l={l_min}
mn13 q1 b2 r vss NMOS_VTG w={w_select} l={l_min}
mp13 q1 b2b r vdd PMOS_VTG w={2*w_select} l={l_min}
mn14 r go wbl vss NMOS_VTG w={w_select} l={l_min}
mp14 r gob wbl vdd PMOS_VTG w={2*w_select} l={l_min}
.ends

* Both word lines of a row in one sub-tile.
.subckt line_driver a wl wlb vdd vss
mp1 b a vdd vdd PMOS_VTG w={2*w_logicp} l={l_min}
mn1 b a vss vss NMOS_VTG w={2*w_logicn} l={l_min}
mp2 wl b vdd vdd PMOS_VTG w={8*w_logicp} l={l_min}
mn2 wl b vss vss NMOS_VTG w={8*w_logicn} l={l_min}
mp3 c a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mn3 c a vss vss NMOS_VTG w={w_logicn} l={l_min}
mp4 d c vdd vdd PMOS_VTG w={3*w_logicp} l={l_min}
mn4 d c vss vss NMOS_VTG w={3*w_logicn} l={l_min}
mp5 wlb d vdd vdd PMOS_VTG w={8*w_logicp} l={l_min}
mn5 wlb d vss vss NMOS_VTG w={8*w_logicn} l={l_min}
.ends
